#include "checks_parts.h"

#include <string.h>

/* Total length by country (SWIFT, IBAN Registry). */
static const char iban_lengths[] =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24"
    "FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32"
    "LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24"
    "RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static bool iban(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length < 15 || input->length > 34)
        return false;
    for (const char *entry = iban_lengths; *entry; entry += 4) {
        if (memcmp(entry, value, 2) != 0)
            continue;
        int64_t check = digits_number(value + 2, 2);
        if (digits_number(entry + 2, 2) != (int64_t)input->length || check < 2 || check > 98)
            return false;
        char turned[34];
        memcpy(turned, value + 4, input->length - 4);
        memcpy(turned + input->length - 4, value, 4);
        return digits_mod97(turned, input->length) == 1;
    }
    return false;
}

static bool bic(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 8 && input->length != 11)
        return false;
    for (size_t i = 0; i < input->length; i++) {
        if (digits_base36(input->value[i]) < (i < 6 ? 10 : 0))
            return false;
    }
    return checks_country(input->value + 4);
}

static bool isin(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    return input->length == 12 && digits_value(value[11]) >= 0 &&
           (checks_country(value) || memcmp(value, "XS", 2) == 0 || memcmp(value, "EU", 2) == 0) &&
           digits_luhn_letters(value, 12);
}

/* CUSIP (ANSI X9.6): every second value doubled, digits of the products summed. */
static bool cusip(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 9 || digits_value(input->value[0]) < 0)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 8; i++) {
        int value = digits_base36(input->value[i]) * (i % 2 ? 2 : 1);
        if (value < 0)
            return false;
        sum += value / 10 + value % 10;
    }
    return (10 - sum % 10) % 10 == digits_value(input->value[8]);
}

static bool lei(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 20 && digits_only(input->value + 18, 2) &&
           !digits_dull(input->value, 20) && digits_mod97(input->value, 20) == 1;
}

static const struct checks_rule aba_sum = {
    .sums = {{.length = 9, .modulus = 10, .weights = {3, 7, 1, 3, 7, 1, 3, 7, 1}}}};

static bool aba(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range districts[] = {{0, 12}, {21, 32}, {61, 72}, {80, 80}, {0, 0}};
    (void)row;
    return checks_rule_holds(&aba_sum, input->value, input->length) &&
           checks_in_ranges(districts, digits_number(input->value, 2)) &&
           !digits_dull(input->value, 9);
}

static const struct checks_row rows[] = {
    {"iban", 5000, iban, NULL}, {"bic", 3, bic, NULL},  {"isin", 20, isin, NULL},
    {"cusip", 10, cusip, NULL}, {"lei", 97, lei, NULL}, {"aba", 26, aba, NULL},
};

const struct checks_table checks_bank = CHECKS_TABLE(rows);
