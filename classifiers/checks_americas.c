#include "checks_parts.h"

#include <string.h>

/* SSA POMS RM 10201.030: area not 000, 666 or 900 to 999, group and serial not zero. */
static bool ssn(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 9 || !digits_only(input->value, 9))
        return false;
    int64_t area = digits_number(input->value, 3);
    return area != 0 && area != 666 && area < 900 && digits_number(input->value + 3, 2) != 0 &&
           digits_number(input->value + 5, 4) != 0 && !digits_dull(input->value, 9) &&
           memcmp(input->value, "123456789", 9) != 0;
}

/* IRS: 9 in front, the fourth and fifth digits in ranges. */
static bool itin(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range groups[] = {{50, 65}, {70, 88}, {90, 92}, {94, 99}, {0, 0}};
    (void)row;
    return input->length == 9 && input->value[0] == '9' && digits_only(input->value, 9) &&
           checks_in_ranges(groups, digits_number(input->value + 3, 2));
}

/* IRS: the prefixes in use. */
static bool ein(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range prefixes[] = {{1, 6},   {10, 16}, {20, 27}, {30, 48}, {50, 68},
                                                   {71, 77}, {80, 88}, {90, 95}, {98, 99}, {0, 0}};
    (void)row;
    return input->length == 9 && digits_only(input->value, 9) &&
           checks_in_ranges(prefixes, digits_number(input->value, 2)) &&
           !digits_dull(input->value + 2, 7);
}

static bool ca_sin(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return input->length == 9 && input->value[0] != '0' && input->value[0] != '8' &&
           digits_luhn(input->value, 9) && !digits_dull(input->value, 9);
}

/* Receita Federal, IN RFB 2229/2024: letters too, each worth its ASCII code less 48. */
static bool cnpj(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    if (input->length != 14 || !digits_only(value + 12, 2) || digits_dull(value, 14))
        return false;
    for (size_t check = 12; check < 14; check++) {
        int sum = 0;
        for (size_t i = 0; i < check; i++) {
            if (digits_base36(value[i]) < 0)
                return false;
            sum += (value[i] - '0') * (int)(2 + (check - 1 - i) % 8);
        }
        int rest = 11 - sum % 11;
        if ((rest >= 10 ? 0 : rest) != digits_value(value[check]))
            return false;
    }
    return true;
}

/* RENAPO: alphabet 0-9 A-N Ñ O-Z, so letters from O on count one more. */
static bool curp(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date date = {.form = "____YYMMDD"};
    static const char states[] = "AS BC BS CC CL CM CS CH DF DG GT GR HG JC MC MN MS NT NL OC PL "
                                 "QT QR SP SL SR TC TS TL VZ YN ZS NE ";
    (void)row;
    const char *value = input->value;
    if (input->length != 18 || !digits_date_valid(&date, value, 18))
        return false;
    bool state = false;
    for (const char *code = states; *code; code += 3)
        state |= memcmp(code, value + 11, 2) == 0;
    int sum = 0;
    for (size_t i = 0; i < 17; i++) {
        int letter = digits_base36(value[i]);
        if (letter < 0)
            return false;
        sum += (letter + (value[i] >= 'O')) * (int)(18 - i);
    }
    return state && (10 - sum % 10) % 10 == digits_value(value[17]);
}

/* SAT: the shape with a date. Many real ones break the check character, see mx-rfc-digit. */
static bool rfc(const struct checks_row *row, const struct checks_input *input)
{
    static const struct digits_date person = {.form = "____YYMMDD"},
                                    company = {.form = "___YYMMDD"};
    (void)row;
    return (input->length == 13 && digits_date_valid(&person, input->value, 13)) ||
           (input->length == 12 && digits_date_valid(&company, input->value, 12));
}

/* SAT, anexo 1 of the RFC algorithm: alphabet 0-9 A-N & O-Z space Ñ, a company's is padded. */
static bool rfc_digit(const struct checks_row *row, const struct checks_input *input)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ ";
    if (!rfc(row, input))
        return false;
    int sum = input->length == 12 ? 37 * 13 : 0;
    for (size_t i = 0; i + 1 < input->length; i++) {
        const char *place = memchr(alphabet, input->value[i], sizeof(alphabet) - 1);
        if (!place)
            return false;
        sum += (int)(place - alphabet) * (int)(input->length - i);
    }
    return "0A987654321"[sum % 11] == input->value[input->length - 1];
}

static bool ecuador(const struct checks_row *row, const struct checks_input *input)
{
    static const struct checks_range provinces[] = {{1, 24}, {30, 30}, {50, 50}, {0, 0}};
    (void)row;
    return input->length == 10 && checks_in_ranges(provinces, digits_number(input->value, 2)) &&
           input->value[2] <= '6' && digits_luhn(input->value, 10);
}

static bool venezuela(const struct checks_row *row, const struct checks_input *input)
{
    static const char kinds[] = "VEJPG";
    static const int weights[8] = {3, 2, 7, 6, 5, 4, 3, 2};
    (void)row;
    const char *kind = input->length == 10 ? memchr(kinds, input->value[0], 5) : NULL;
    if (!kind || !digits_only(input->value + 1, 9))
        return false;
    int sum = (int)(kind - kinds + 1) * 4;
    for (size_t i = 0; i < 8; i++)
        sum += weights[i] * digits_value(input->value[i + 1]);
    return "00987654321"[sum % 11] == input->value[9];
}

static const struct checks_row rows[] = {
    {"us-ssn", 1, ssn, NULL},     {"us-itin", 2, itin, NULL},
    {"us-ein", 1, ein, NULL},     {"ca-sin", 10, ca_sin, NULL},
    {"br-cnpj", 100, cnpj, NULL}, {"mx-curp", 300, curp, NULL},
    {"mx-rfc", 30, rfc, NULL},    {"mx-rfc-digit", 330, rfc_digit, NULL},
    {"ec-ci", 40, ecuador, NULL}, {"ve-rif", 10, venezuela, NULL},
};

const struct checks_table checks_americas = CHECKS_TABLE(rows);
