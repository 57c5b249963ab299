#include "checks_parts.h"

#include <string.h>

static bool abn(const struct checks_row *row, const struct checks_input *input)
{
    static const int weights[11] = {10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
    (void)row;
    if (input->length != 11 || !digits_only(input->value, 11) || input->value[0] == '0')
        return false;
    int sum = -10;
    for (size_t i = 0; i < 11; i++)
        sum += weights[i] * digits_value(input->value[i]);
    return sum % 89 == 0;
}

static int ird_rest(const char *digits, const int weights[static 8])
{
    int sum = 0;
    for (size_t i = 0; i < 8; i++)
        sum += weights[i] * digits_value(digits[i]);
    return (11 - sum % 11) % 11;
}

/* Inland Revenue, "Resident withholding tax specification": a second set of weights where the
 * first gives 10. */
static bool ird(const struct checks_row *row, const struct checks_input *input)
{
    static const int first[8] = {3, 2, 7, 6, 5, 4, 3, 2}, second[8] = {7, 4, 3, 2, 5, 2, 7, 6};
    (void)row;
    if ((input->length != 8 && input->length != 9) || !digits_only(input->value, input->length))
        return false;
    char digits[9] = {'0'};
    memcpy(digits + (9 - input->length), input->value, input->length);
    int64_t number = digits_number(digits, 9);
    if (number < 10000000 || number > 150000000 || digits_dull(input->value, input->length))
        return false;
    int rest = ird_rest(digits, first);
    if (rest == 10)
        rest = ird_rest(digits, second);
    return rest == digits_value(digits[8]);
}

/* HISO 10046: letters without I and O count 1 to 24; modulo 11, in the new form 24. */
static bool nhi(const struct checks_row *row, const struct checks_input *input)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    (void)row;
    if (input->length != 7)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 6; i++) {
        const char *letter = memchr(letters, input->value[i], 24);
        bool may_be_letter = i < 3 || i == 5, may_be_digit = i >= 3;
        int value = letter ? (int)(letter - letters) + 1 : digits_value(input->value[i]);
        if (value < 0 || (letter ? !may_be_letter : !may_be_digit))
            return false;
        sum += value * (int)(7 - i);
    }
    if (digits_value(input->value[5]) >= 0)
        return sum % 11 != 0 && (11 - sum % 11) % 10 == digits_value(input->value[6]);
    return letters[(24 - sum % 24 + 23) % 24] == input->value[6];
}

static bool aadhaar(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length != 12 || value[0] < '2' || digits_dull(value, 12))
        return false;
    bool palindrome = true;
    for (size_t i = 0; i < 6; i++)
        palindrome &= value[i] == value[11 - i];
    return !palindrome && digits_verhoeff(value, 12);
}

static bool verhoeff(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return digits_verhoeff(input->value, input->length) &&
           !digits_dull(input->value, input->length);
}

static bool pan(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 10 && memchr("ABCFGHJLPT", input->value[3], 10) &&
           digits_number(input->value + 5, 4) > 0;
}

/* GSTN: Luhn modulo 36, values alternately once and twice, from the left. */
static bool gstin(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range states[] = {{1, 38}, {97, 97}, {99, 99}, {0, 0}};
    (void)row;
    if (input->length != 15 || !checks_in_ranges(states, digits_number(input->value, 2)))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 14; i++) {
        int value = digits_base36(input->value[i]) * (i % 2 ? 2 : 1);
        if (value < 0)
            return false;
        sum += value / 36 + value % 36;
    }
    return (36 - sum % 36) % 36 == digits_base36(input->value[14]);
}

static bool epic(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 10 && digits_luhn(input->value + 3, 7);
}

/* GB 11643-1999: ISO 7064 MOD 11-2 over the whole, province, birth date. */
static bool resident_id(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_rule rule = {
        .date = {.form = "______YYYYMMDD"},
        .sums = {{.length = 18,
                  .check = 17,
                  .modulus = 11,
                  .map = "10X98765432",
                  .weights = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}}}};
    static const struct checks_range provinces[] = {{11, 15}, {21, 23}, {31, 37}, {41, 46},
                                                    {50, 54}, {61, 65}, {71, 71}, {81, 82},
                                                    {91, 91}, {0, 0}};
    (void)row;
    return checks_rule_holds(&rule, input->value, input->length) &&
           checks_in_ranges(provinces, digits_number(input->value, 2));
}

/* GB 32100-2015: base 31 without I, O, S, V, Z; weights are the powers of 3. */
static bool uscc(const struct checks_row *row, const struct checks_input *input)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    (void)row;
    if (input->length != 18)
        return false;
    unsigned sum = 0, weight = 1;
    for (size_t i = 0; i < 17; i++) {
        const char *place = memchr(alphabet, input->value[i], 31);
        if (!place)
            return false;
        sum += (unsigned)(place - alphabet) * weight;
        weight = weight * 3 % 31;
    }
    return alphabet[(31 - sum % 31) % 31] == input->value[17];
}

/* Immigration Department: one letter counts as a space (36) and that letter. Brackets may stand
 * around the check digit. */
static bool hkid(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    char value[9];
    size_t length = 0;
    for (size_t i = 0; i < input->length; i++) {
        if (memchr("()[]", input->value[i], 4))
            continue;
        if (length == sizeof(value))
            return false;
        value[length++] = input->value[i];
    }
    if (length != 8 && length != 9)
        return false;
    size_t letters = length - 7;
    if (!digits_only(value + letters, 6))
        return false;
    int sum = letters == 1 ? 36 * 9 : 0;
    for (size_t i = 0; i + 1 < length; i++) {
        int each = digits_base36(value[i]);
        if (each < 0 || (i < letters && each < 10))
            return false;
        sum += each * (int)(length - i);
    }
    return "0A987654321"[sum % 11] == value[length - 1];
}

static bool taiwan(const struct checks_row *row, const struct checks_input *input)
{
    static const char order[] = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
    (void)row;
    const char *place = input->length == 10 ? memchr(order, input->value[0], 26) : NULL;
    if (!place || !digits_only(input->value + 1, 9))
        return false;
    int letter = (int)(place - order) + 10;
    int sum = letter / 10 + letter % 10 * 9 + digits_value(input->value[9]);
    for (size_t i = 1; i < 9; i++)
        sum += digits_value(input->value[i]) * (int)(9 - i);
    return sum % 10 == 0;
}

/* National Tax Agency: the check digit stands first. */
static bool jp_corporate(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 13 || !digits_only(input->value, 13) || digits_dull(input->value, 13))
        return false;
    int sum = 0;
    for (size_t i = 1; i < 13; i++)
        sum += digits_value(input->value[i]) * (i % 2 ? 2 : 1);
    return 9 - sum % 9 == digits_value(input->value[0]);
}

static bool rrn_shape(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD"};
    (void)row;
    return input->length == 13 && digits_only(input->value, 13) &&
           digits_date_valid(&date, input->value, 13);
}

/* Until October 2020; numbers given out later have no check digit. */
static bool rrn_digit(const struct checks_row *row, const struct checks_input *input)
{
    if (!rrn_shape(row, input))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 12; i++)
        sum += digits_value(input->value[i]) * (int)(2 + i % 8);
    bool foreigner = input->value[6] >= '5' && input->value[6] <= '8';
    return ((foreigner ? 13 : 11) - sum % 11) % 10 == digits_value(input->value[12]);
}

static bool kr_brn(const struct checks_row *row, const struct checks_input *input)
{
    static const int weights[9] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
    (void)row;
    if (input->length != 10 || !digits_only(input->value, 10) || digits_dull(input->value, 10))
        return false;
    int sum = digits_value(input->value[8]) * 5 / 10;
    for (size_t i = 0; i < 9; i++)
        sum += weights[i] * digits_value(input->value[i]);
    return (10 - sum % 10) % 10 == digits_value(input->value[9]);
}

static bool nric(const struct checks_row *row, const struct checks_input *input)
{
    static const struct {
        char kind;
        uint8_t start;
        const char *letters;
    } kinds[] = {{'S', 0, "JZIHGFEDCBA"},
                 {'T', 4, "JZIHGFEDCBA"},
                 {'F', 0, "XWUTRQPNMLK"},
                 {'G', 4, "XWUTRQPNMLK"},
                 {'M', 3, "XWUTRQPNJLK"}};
    static const int weights[7] = {2, 7, 6, 5, 4, 3, 2};
    (void)row;
    if (input->length != 9 || !digits_only(input->value + 1, 7))
        return false;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (kinds[k].kind != input->value[0])
            continue;
        int sum = kinds[k].start;
        for (size_t i = 0; i < 7; i++)
            sum += weights[i] * digits_value(input->value[i + 1]);
        return kinds[k].letters[sum % 11] == input->value[8];
    }
    return false;
}

static bool mykad(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD"};
    static const struct checks_range places[] = {{1, 16},  {21, 59}, {60, 68}, {71, 72},
                                                 {74, 79}, {82, 93}, {98, 99}, {0, 0}};
    (void)row;
    return input->length == 12 && digits_only(input->value, 12) &&
           digits_date_valid(&date, input->value, 12) &&
           checks_in_ranges(places, digits_number(input->value + 6, 2));
}

static bool nik(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "______DDMMYY", .day_fold = 40};
    (void)row;
    int64_t province = input->length == 16 ? digits_number(input->value, 2) : -1;
    return province >= 11 && province <= 94 && digits_only(input->value, 16) &&
           digits_date_valid(&date, input->value, 16) && digits_number(input->value + 12, 4) > 0;
}

static bool cccd(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    int64_t province = input->length == 12 ? digits_number(input->value, 3) : -1;
    return province >= 1 && province <= 96 && digits_only(input->value, 12) &&
           !digits_dull(input->value, 12);
}

static bool tckn(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 11 || !digits_only(input->value, 11) || input->value[0] == '0')
        return false;
    int odd = 0, even = 0;
    for (size_t i = 0; i < 9; i++)
        *(i % 2 ? &even : &odd) += digits_value(input->value[i]);
    int tenth = ((7 * odd - even) % 10 + 10) % 10;
    return tenth == digits_value(input->value[9]) &&
           (odd + even + tenth) % 10 == digits_value(input->value[10]);
}

static bool il_id(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return (input->length == 8 || input->length == 9) && digits_luhn(input->value, input->length) &&
           !digits_dull(input->value, input->length);
}

static bool za_id(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "YYMMDD"};
    (void)row;
    return input->length == 13 && digits_luhn(input->value, 13) && input->value[10] <= '2' &&
           digits_date_valid(&date, input->value, 13);
}

static bool iqama(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 10 && (input->value[0] == '1' || input->value[0] == '2') &&
           digits_luhn(input->value, 10) && !digits_dull(input->value, 10);
}

static bool emirates(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range years[] = {{1900, 2099}, {0, 0}};
    (void)row;
    return input->length == 15 && digits_only(input->value, 15) &&
           memcmp(input->value, "784", 3) == 0 &&
           checks_in_ranges(years, digits_number(input->value + 3, 4));
}

static const struct checks_row rows[] = {
    {"au-abn", 89, abn, NULL},
    {"nz-ird", 11, ird, NULL},
    {"nz-nhi", 11, nhi, NULL},
    {"in-aadhaar", 10, aadhaar, NULL},
    {"verhoeff", 10, verhoeff, NULL},
    {"in-pan", 1, pan, NULL},
    {"in-gstin", 36, gstin, NULL},
    {"in-voter-epic", 10, epic, NULL},
    {"cn-resident-id", 40, resident_id, NULL},
    {"cn-uscc", 31, uscc, NULL},
    {"hk-hkid", 11, hkid, NULL},
    {"tw-national-id", 10, taiwan, NULL},
    {"jp-corporate", 9, jp_corporate, NULL},
    {"kr-rrn", 27, rrn_shape, NULL},
    {"kr-rrn-digit", 270, rrn_digit, NULL},
    {"kr-brn", 10, kr_brn, NULL},
    {"sg-nric-fin", 26, nric, NULL},
    {"my-mykad", 35, mykad, NULL},
    {"id-nik", 16, nik, NULL},
    {"vn-cccd", 10, cccd, NULL},
    {"tr-tckn", 100, tckn, NULL},
    {"il-id", 10, il_id, NULL},
    {"za-id", 100, za_id, NULL},
    {"sa-national-id", 10, iqama, NULL},
    {"ae-emirates-id", 10, emirates, NULL},
};

const struct checks_table checks_world = CHECKS_TABLE(rows);
