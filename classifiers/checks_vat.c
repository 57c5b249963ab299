#include "checks_parts.h"

#include <string.h>

/* VAT numbers by country (European Commission, VIES; national rules). A country's numbers hold
 * when a rule or a check of another type holds. */

static const struct checks_rule bulgaria = {.any = true,
                                            .sums = {{.length = 10,
                                                      .check = 9,
                                                      .modulus = 11,
                                                      .map = CHECKS_MAP_11,
                                                      .weights = {4, 3, 2, 7, 6, 5, 4, 3, 2}}}};
static const struct checks_sum bg_again = {.length = 9,
                                           .check = 8,
                                           .modulus = 11,
                                           .map = CHECKS_MAP_11_TEN_0,
                                           .weights = {3, 4, 5, 6, 7, 8, 9, 10}};
static const struct checks_rule bg_company = {.sums = {{.length = 9,
                                                        .check = 8,
                                                        .modulus = 11,
                                                        .map = "0123456789+",
                                                        .otherwise = &bg_again,
                                                        .weights = {1, 2, 3, 4, 5, 6, 7, 8}}}};
static const struct checks_rule denmark = {
    .sums = {{.length = 8, .modulus = 11, .weights = {2, 7, 6, 5, 4, 3, 2, 1}}}};
static const struct checks_rule estonia = {
    .sums = {{.length = 9, .modulus = 10, .weights = {3, 7, 1, 3, 7, 1, 3, 7, 1}}}};
static const struct checks_rule finland = {
    .sums = {{.length = 8, .modulus = 11, .weights = {7, 9, 10, 5, 8, 4, 2, 1}}}};
static const struct checks_rule hungary = {
    .sums = {{.length = 8, .modulus = 10, .weights = {9, 7, 3, 1, 9, 7, 3, 1}}}};
static const struct checks_sum lt9_again = {.length = 9,
                                            .check = 8,
                                            .modulus = 11,
                                            .map = CHECKS_MAP_11_TEN_0,
                                            .weights = {3, 4, 5, 6, 7, 8, 9, 1}};
static const struct checks_sum lt12_again = {.length = 12,
                                             .check = 11,
                                             .modulus = 11,
                                             .map = CHECKS_MAP_11_TEN_0,
                                             .weights = {3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4}};
static const struct checks_rule lithuania = {
    .sums = {{.length = 9,
              .check = 8,
              .modulus = 11,
              .map = "0123456789+",
              .otherwise = &lt9_again,
              .weights = {1, 2, 3, 4, 5, 6, 7, 8}},
             {.length = 12,
              .check = 11,
              .modulus = 11,
              .map = "0123456789+",
              .otherwise = &lt12_again,
              .weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2}}}};
static const struct checks_rule malta = {
    .sums = {{.length = 8, .modulus = 37, .weights = {3, 4, 6, 7, 8, 9, 10, 1}}}};
static const struct checks_rule switzerland = {.prefix = "E",
                                               .sums = {{.length = 9,
                                                         .check = 8,
                                                         .modulus = 11,
                                                         .map = CHECKS_MAP_11,
                                                         .weights = {5, 4, 3, 2, 7, 6, 5, 4}}}};

static bool austria(const char *text, size_t length)
{
    if (length != 9 || text[0] != 'U' || !digits_only(text + 1, 8))
        return false;
    int sum = 4;
    for (size_t i = 1; i < 8; i++) {
        int product = digits_value(text[i]) * (i % 2 ? 1 : 2);
        sum += product / 10 + product % 10;
    }
    return (10 - sum % 10) % 10 == digits_value(text[8]);
}

static bool belgium(const char *text, size_t length)
{
    return length == 10 && text[0] <= '1' && digits_only(text, 10) &&
           (digits_number(text, 8) + digits_number(text + 8, 2)) % 97 == 0;
}

static bool germany(const char *text, size_t length)
{
    return length == 9 && text[0] != '0' && digits_mod11_10(text, 9);
}

/* Numeric keys are computed; letters follow rules that are not public. */
static bool france(const char *text, size_t length)
{
    if (length != 11 || digits_base36(text[0]) < 0 || digits_base36(text[1]) < 0 ||
        !digits_luhn(text + 2, 9))
        return false;
    int64_t key = digits_number(text, 2);
    return key < 0 || key == (12 + 3 * (digits_number(text + 2, 9) % 97)) % 97;
}

static bool luxembourg(const char *text, size_t length)
{
    return length == 8 && digits_only(text, 8) &&
           digits_number(text, 6) % 89 == digits_number(text + 6, 2);
}

static bool latvia(const char *text, size_t length)
{
    static const int weights[11] = {9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1};
    if (length != 11 || !digits_only(text, 11) || text[0] <= '3')
        return false;
    int sum = 0;
    for (size_t i = 0; i < 11; i++)
        sum += weights[i] * digits_value(text[i]);
    return sum % 11 == 3;
}

/* The owner's BSN and B01 to B99, or since 2020 a number of its own: ISO 7064 over NL and all. */
static bool netherlands(const char *text, size_t length)
{
    static const struct checks_rule bsn = {
        .sums = {{.length = 9, .modulus = 11, .weights = {9, 8, 7, 6, 5, 4, 3, 2, -1}}}};
    if (length != 12 || text[9] != 'B' || !digits_only(text, 9) || !digits_only(text + 10, 2))
        return false;
    char whole[14] = "NL";
    memcpy(whole + 2, text, 12);
    return checks_rule_holds(&bsn, text, 9) || digits_mod97(whole, 14) == 1;
}

static bool romania(const char *text, size_t length)
{
    static const int weights[9] = {7, 5, 3, 2, 1, 7, 5, 3, 2};
    if (length < 2 || length > 10 || !digits_only(text, length) || text[0] == '0')
        return false;
    int sum = 0;
    for (size_t i = 0; i + 1 < length; i++)
        sum += weights[10 - length + i] * digits_value(text[i]);
    return sum * 10 % 11 % 10 == digits_value(text[length - 1]);
}

static bool sweden(const char *text, size_t length)
{
    return length == 12 && digits_luhn(text, 10) && digits_only(text, 12) &&
           digits_number(text + 10, 2) > 0;
}

static bool slovakia(const char *text, size_t length)
{
    return length == 10 && text[0] != '0' && memchr("234789", text[2], 6) &&
           digits_modulo(text, 10, 11) == 0;
}

static bool britain(const char *text, size_t length)
{
    static const int weights[9] = {8, 7, 6, 5, 4, 3, 2, 10, 1};
    if ((length != 9 && length != 12) || !digits_only(text, length))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 9; i++)
        sum += weights[i] * digits_value(text[i]);
    return sum % 97 == 0 || (text[0] != '0' && (sum % 97 == 42 || sum % 97 == 55));
}

static bool italy(const char *text, size_t length)
{
    return length == 11 && digits_luhn(text, 11);
}

/* Each row one way; a country holds when one of its rows does. */
static const struct {
    char country[3];
    bool (*holds)(const char *text, size_t length);
    const struct checks_rule *rule;
    const char *check; /* a check of another type */
} countries[] = {
    {"AT", austria, NULL, NULL},      {"BE", belgium, NULL, NULL},
    {"BG", NULL, &bg_company, NULL},  {"BG", NULL, &bulgaria, NULL},
    {"BG", NULL, NULL, "bg-egn"},     {"BG", NULL, NULL, "bg-lnch"},
    {"CH", NULL, &switzerland, NULL}, {"CY", NULL, NULL, "cy-tic"},
    {"CZ", NULL, NULL, "cz-ico"},     {"CZ", NULL, NULL, "cz-sk-rodne-cislo"},
    {"DE", germany, NULL, NULL},      {"DK", NULL, &denmark, NULL},
    {"EE", NULL, &estonia, NULL},     {"EL", NULL, NULL, "gr-afm"},
    {"ES", NULL, NULL, "es-cif"},     {"ES", NULL, NULL, "es-dni"},
    {"ES", NULL, NULL, "es-nie"},     {"FI", NULL, &finland, NULL},
    {"FR", france, NULL, NULL},       {"GB", britain, NULL, NULL},
    {"HR", NULL, NULL, "hr-oib"},     {"HU", NULL, &hungary, NULL},
    {"IE", NULL, NULL, "ie-pps"},     {"IT", italy, NULL, NULL},
    {"LT", NULL, &lithuania, NULL},   {"LU", luxembourg, NULL, NULL},
    {"LV", latvia, NULL, NULL},       {"LV", NULL, NULL, "lv-personas-kods"},
    {"MT", NULL, &malta, NULL},       {"NL", netherlands, NULL, NULL},
    {"PL", NULL, NULL, "pl-nip"},     {"PT", NULL, NULL, "pt-nif"},
    {"RO", romania, NULL, NULL},      {"SE", sweden, NULL, NULL},
    {"SI", NULL, NULL, "si-davcna"},  {"SK", slovakia, NULL, NULL},
    {"XI", britain, NULL, NULL},
};

static bool vat(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length < 4 || input->length > 16)
        return false;
    const struct checks_input rest = {.value = input->value + 2,
                                      .length = input->length - 2,
                                      .raw = input->value + 2,
                                      .raw_length = input->length - 2};
    for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
        if (memcmp(countries[i].country, input->value, 2) != 0)
            continue;
        if (countries[i].holds && countries[i].holds(rest.value, rest.length))
            return true;
        if (countries[i].rule && checks_rule_holds(countries[i].rule, rest.value, rest.length))
            return true;
        if (countries[i].check && checks_pass(checks_find(countries[i].check), &rest))
            return true;
    }
    return false;
}

static const struct checks_row rows[] = {{"eu-vat", 20, vat, NULL}};

const struct checks_table checks_vat = CHECKS_TABLE(rows);
