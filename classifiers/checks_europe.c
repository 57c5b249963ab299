#include "checks_parts.h"

#include <string.h>

static const char dni_letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";

/* The letter becomes its place in the alphabet, two digits, before the sum. */
static size_t spell(const char *text, size_t length, size_t letter, char *spelled)
{
    int value = digits_base36(text[letter]) - 9;
    if (value < 1)
        return 0;
    memcpy(spelled, text, letter);
    spelled[letter] = (char)('0' + value / 10);
    spelled[letter + 1] = (char)('0' + value % 10);
    memcpy(spelled + letter + 2, text + letter + 1, length - letter - 1);
    return length + 1;
}

/* HMRC NIM39110: letters never given out, and pairs. */
static bool nino(const struct checks_row *row, const struct checks_input *input)
{
    static const char refused[] = "BG GB KN NK NT TN ZZ ";
    (void)row;
    const char *value = input->value;
    if (input->length != 9 || !digits_only(value + 2, 6) || value[8] < 'A' || value[8] > 'D' ||
        digits_base36(value[0]) < 10 || digits_base36(value[1]) < 10 ||
        memchr("DFIQUV", value[0], 6) || memchr("DFIQUVO", value[1], 7))
        return false;
    for (const char *pair = refused; *pair; pair += 3) {
        if (memcmp(pair, value, 2) == 0)
            return false;
    }
    return true;
}

/* BZSt: among the first ten digits exactly one occurs twice or three times (not three in a row);
 * ISO 7064 MOD 11,10. */
static bool steuer_id(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length != 11 || value[0] == '0' || !digits_mod11_10(value, 11))
        return false;
    unsigned counts[10] = {0}, repeated = 0;
    for (size_t i = 0; i < 10; i++) {
        counts[digits_value(value[i])]++;
        if (i >= 2 && value[i] == value[i - 1] && value[i] == value[i - 2])
            return false;
    }
    for (size_t i = 0; i < 10; i++) {
        if (counts[i] > 3)
            return false;
        repeated += counts[i] > 1;
    }
    return repeated == 1;
}

/* VKVV section 2: area, birth date, first letter, serial; day + 50 where serials ran out. */
static bool rvnr(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_rule rule = {
        .date = {.form = "__DDMMYY", .day_fold = 50},
        .sums = {{.length = 13,
                  .check = 12,
                  .modulus = 10,
                  .map = CHECKS_MAP_10_PLAIN,
                  .crossed = true,
                  .weights = {2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1}}}};
    (void)row;
    char spelled[16];
    return input->length == 12 && digits_only(input->value, 8) &&
           spell(input->value, 12, 8, spelled) == 13 && checks_rule_holds(&rule, spelled, 13);
}

/* GKV-Spitzenverband, Krankenversichertennummer: the unchangeable part. */
static bool kvnr(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_rule rule = {.sums = {{.length = 11,
                                                      .check = 10,
                                                      .modulus = 10,
                                                      .map = CHECKS_MAP_10_PLAIN,
                                                      .crossed = true,
                                                      .weights = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2}}}};
    (void)row;
    char spelled[16];
    return input->length == 10 && spell(input->value, 10, 0, spelled) == 11 &&
           checks_rule_holds(&rule, spelled, 11);
}

/* INSEE: the key is 97 less the number modulo 97; Corsica 2A counts 19, 2B 18. */
static bool nir(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    char number[15];
    if (input->length != 15 || !memchr("123478", input->value[0], 6))
        return false;
    memcpy(number, input->value, 15);
    if (number[5] == '2' && (number[6] == 'A' || number[6] == 'B')) {
        number[5] = '1';
        number[6] = number[6] == 'A' ? '9' : '8';
    }
    static const struct checks_range months[] = {{1, 12}, {20, 42}, {50, 99}, {0, 0}};
    return checks_in_ranges(months, digits_number(number + 3, 2)) &&
           digits_modulo(number, 13, 97) + digits_number(number + 13, 2) == 97;
}

static bool fr_spi(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 13 && digits_only(input->value, 13) && input->value[0] <= '3' &&
           !digits_dull(input->value, 13) &&
           digits_modulo(input->value, 10, 511) == digits_number(input->value + 10, 3);
}

static bool siren(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 9 && digits_luhn(input->value, 9) && !digits_dull(input->value, 9);
}

/* INSEE: Luhn over the whole and its SIREN; the post office's branches sum to a multiple of 5. */
static bool siret(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length != 14 || !digits_luhn(value, 9) || !digits_only(value, 14) ||
        digits_dull(value, 14))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 14; i++)
        sum += digits_value(value[i]);
    return digits_luhn(value, 14) || (memcmp(value, "356000000", 9) == 0 && sum % 5 == 0);
}

static bool dni(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    int64_t number = input->length == 9 ? digits_number(input->value, 8) : -1;
    return number > 0 && dni_letters[number % 23] == input->value[8];
}

static bool nie(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 9 || input->value[0] < 'X' || input->value[0] > 'Z')
        return false;
    char number[8];
    memcpy(number, input->value, 8);
    number[0] = (char)(number[0] - 'X' + '0');
    int64_t value = digits_number(number, 8);
    return value >= 0 && dni_letters[value % 23] == input->value[8];
}

/* AEAT: companies whose kind asks for a digit, a letter, or either. */
static bool cif(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length != 9 || !memchr("ABCDEFGHJNPQRSUVW", value[0], 17) ||
        !digits_only(value + 1, 7))
        return false;
    int sum = 0;
    for (size_t i = 1; i < 8; i++) {
        int product = digits_value(value[i]) * (i % 2 ? 2 : 1);
        sum += product / 10 + product % 10;
    }
    int digit = (10 - sum % 10) % 10;
    bool as_digit = digits_value(value[8]) == digit, as_letter = "JABCDEFGHI"[digit] == value[8];
    return (as_digit && !memchr("NPQRSW", value[0], 6)) ||
           (as_letter && !memchr("ABEH", value[0], 4));
}

static bool nuss(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 12 || !digits_only(input->value, 12) || digits_dull(input->value, 12))
        return false;
    int64_t province = digits_number(input->value, 2), number = digits_number(input->value + 2, 8);
    int64_t whole = province * (number < 10000000 ? 10000000 : 100000000) + number;
    return province >= 1 && province <= 66 && whole % 97 == digits_number(input->value + 10, 2);
}

/* DM 23 December 1976: odd places by a table, even ones by value, modulo 26. */
static bool codice_fiscale(const struct checks_row *row, const struct checks_input *input)
{
    static const uint8_t odd[26] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                    20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    static const char shape[] = "AAAAAA99A99A999A";
    static const char instead_of_digits[] = "LMNPQRSTUV";
    (void)row;
    if (input->length != 16)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 15; i++) {
        char c = input->value[i];
        int value = digits_base36(c);
        if (value < 0 ||
            (shape[i] == 'A' ? value < 10 : value > 9 && !memchr(instead_of_digits, c, 10)))
            return false;
        value = value > 9 ? value - 10 : value;
        sum += i % 2 ? value : odd[value];
    }
    return memchr("ABCDEHLMPRST", input->value[8], 12) && input->value[15] == 'A' + sum % 26;
}

static bool partita_iva(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range offices[] = {
        {1, 100}, {120, 121}, {888, 888}, {999, 999}, {0, 0}};
    (void)row;
    const char *value = input->value;
    size_t length = input->length;
    if (length == 13 && memcmp(value, "IT", 2) == 0) {
        value += 2;
        length -= 2;
    }
    return length == 11 && digits_luhn(value, 11) && digits_number(value, 7) > 0 &&
           checks_in_ranges(offices, digits_number(value + 7, 3));
}

/* AMA: Luhn over base-36 values, each doubled value above 9 less 9. */
static bool cartao(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 12 || !digits_only(input->value, 9) || digits_value(input->value[11]) < 0)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 12; i++) {
        int value = digits_base36(input->value[i]);
        if (value < 0)
            return false;
        if (i % 2 == 0)
            value = value * 2 > 9 ? value * 2 - 9 : value * 2;
        sum += value;
    }
    return sum % 10 == 0;
}

/* Born since 2000: a 2 in front of the nine digits before the remainder is taken. */
static bool belgium(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD", .month_fold = 20};
    (void)row;
    int64_t number = input->length == 11 ? digits_number(input->value, 9) : -1;
    int64_t check = number < 0 ? -1 : digits_number(input->value + 9, 2);
    if (check < 0 || !digits_date_valid(&date, input->value, 11))
        return false;
    return check == 97 - number % 97 || check == 97 - (number + 2000000000) % 97;
}

static bool dk_date(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "DDMMYY"};
    (void)row;
    return input->length == 10 && digits_only(input->value, 10) &&
           digits_date_valid(&date, input->value, 10) && digits_number(input->value + 6, 4) > 0;
}

static bool sweden(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD", .day_fold = 60};
    (void)row;
    if (input->length != 10 && input->length != 12)
        return false;
    const char *digits = input->value + (input->length - 10);
    return digits_date_valid(&date, digits, 10) && digits_luhn(digits, 10);
}

static bool se_company(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 10 && input->value[2] >= '2' && digits_luhn(input->value, 10) &&
           !digits_dull(input->value, 10);
}

/* Digital and Population Data Services Agency: the remainder by 31 chooses the character. The
 * century's sign is a letter of the value, or a separator that normalising took. */
static bool hetu(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "DDMMYY"};
    static const char marks[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
    (void)row;
    const char *value = input->value;
    size_t sign = input->length == 11;
    if ((input->length != 10 && !sign) || (sign && !memchr("ABCDEFUVWXY+-", value[6], 13)))
        return false;
    int64_t day = digits_number(value, 6), serial = digits_number(value + 6 + sign, 3);
    return day >= 0 && serial >= 2 && serial <= 899 && digits_date_valid(&date, value, 6) &&
           marks[(day * 1000 + serial) % 31] == value[9 + sign];
}

static bool rodne_cislo(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD", .month_fold = 50, .century_fold = 20};
    (void)row;
    if ((input->length != 9 && input->length != 10) || !digits_only(input->value, input->length) ||
        !digits_date_valid(&date, input->value, input->length))
        return false;
    if (input->length == 9) /* before 1954 there was no check digit */
        return digits_number(input->value, 2) < 54;
    int64_t nine = digits_modulo(input->value, 9, 11);
    return digits_modulo(input->value, 10, 11) == 0 || (nine == 10 && input->value[9] == '0');
}

static bool cnp(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_rule rule = {
        .date = {.form = "_YYMMDD"},
        .sums = {{.length = 13,
                  .check = 12,
                  .modulus = 11,
                  .map = "01234567891",
                  .weights = {2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9}}}};
    static const struct checks_range counties[] = {{1, 48}, {51, 52}, {70, 70}, {80, 83}, {0, 0}};
    (void)row;
    return checks_rule_holds(&rule, input->value, input->length) &&
           checks_in_ranges(counties, digits_number(input->value + 7, 2));
}

static bool amka(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "DDMMYY"};
    (void)row;
    return input->length == 11 && digits_luhn(input->value, 11) &&
           digits_date_valid(&date, input->value, 11);
}

static bool mod11_10(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 11 && digits_mod11_10(input->value, 11) &&
           !digits_dull(input->value, 11);
}

/* Latvia: a birth date and a check digit, or since 2017 a number from 32 on, without either. */
static bool latvia(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "DDMMYY"};
    static const int weights[10] = {10, 5, 8, 4, 2, 1, 6, 3, 7, 9};
    (void)row;
    if (input->length != 11 || !digits_only(input->value, 11) || digits_dull(input->value, 11))
        return false;
    if (input->value[0] == '3' && input->value[1] >= '2')
        return true;
    int sum = 1;
    for (size_t i = 0; i < 10; i++)
        sum += weights[i] * digits_value(input->value[i]);
    return digits_date_valid(&date, input->value, 11) &&
           sum % 11 % 10 == digits_value(input->value[10]);
}

/* Revenue: modulo 23 over seven digits and the second letter, which counts nine times. */
static bool pps(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if ((input->length != 8 && input->length != 9) || !digits_only(value, 7))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 7; i++)
        sum += digits_value(value[i]) * (int)(8 - i);
    if (input->length == 9) {
        int second = digits_base36(value[8]) - 9;
        if (second < 1)
            return false;
        sum += value[8] == 'W' || value[8] == 'T' ? 0 : second * 9;
    }
    return "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23] == value[7];
}

/* Luxembourg: Luhn over twelve digits, Verhoeff over the first eleven and the thirteenth. */
static bool luxembourg(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYYYMMDD"};
    (void)row;
    if (input->length != 13 || !digits_date_valid(&date, input->value, 13) ||
        !digits_luhn(input->value, 12))
        return false;
    char second[12];
    memcpy(second, input->value, 11);
    second[11] = input->value[12];
    return digits_verhoeff(second, 12);
}

static bool cyprus(const struct checks_row *row, const struct checks_input *input)
{
    static const uint8_t even[10] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21};
    (void)row;
    const char *value = input->value;
    size_t length = input->length;
    if (length == 11 && memcmp(value, "CY", 2) == 0) {
        value += 2;
        length -= 2;
    }
    if (length != 9 || !digits_only(value, 8) || memcmp(value, "12", 2) == 0)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum += i % 2 ? digits_value(value[i]) : even[digits_value(value[i])];
    return value[8] == 'A' + sum % 26;
}

static bool snils(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 11 || !digits_only(input->value, 11) || digits_dull(input->value, 11))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 9; i++)
        sum += digits_value(input->value[i]) * (int)(9 - i);
    return sum % 101 % 100 == digits_number(input->value + 9, 2);
}

static const struct checks_row rows[] = {
    {"uk-nino", 2, nino, NULL},
    {"de-steuer-id", 70, steuer_id, NULL},
    {"de-rvnr", 100, rvnr, NULL},
    {"de-kvnr", 10, kvnr, NULL},
    {"fr-nir", 130, nir, NULL},
    {"fr-spi", 511, fr_spi, NULL},
    {"fr-siren", 10, siren, NULL},
    {"fr-siret", 100, siret, NULL},
    {"es-dni", 23, dni, NULL},
    {"es-nie", 23, nie, NULL},
    {"es-cif", 10, cif, NULL},
    {"es-nuss", 97, nuss, NULL},
    {"it-codice-fiscale", 50, codice_fiscale, NULL},
    {"it-partita-iva", 97, partita_iva, NULL},
    {"pt-cartao-cidadao", 10, cartao, NULL},
    {"be-nn", 120, belgium, NULL},
    {"dk-cpr", 27, dk_date, NULL},
    {"se-personnummer", 130, sweden, NULL},
    {"se-orgnr", 12, se_company, NULL},
    {"fi-hetu", 800, hetu, NULL},
    {"cz-sk-rodne-cislo", 100, rodne_cislo, NULL},
    {"ro-cnp", 500, cnp, NULL},
    {"gr-amka", 270, amka, NULL},
    {"hr-oib", 10, mod11_10, NULL},
    {"lv-personas-kods", 10, latvia, NULL},
    {"ie-pps", 23, pps, NULL},
    {"lu-matricule", 1000, luxembourg, NULL},
    {"cy-tic", 26, cyprus, NULL},
    {"ru-snils", 100, snils, NULL},
};

const struct checks_table checks_europe = CHECKS_TABLE(rows);
