#include "digits.h"

bool digits_only(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (digits_value(text[i]) < 0)
            return false;
    }
    return length > 0;
}

int64_t digits_number(const char *text, size_t length)
{
    if (length > 18 || length == 0)
        return -1;
    int64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        int value = digits_value(text[i]);
        if (value < 0)
            return -1;
        number = number * 10 + value;
    }
    return number;
}

static unsigned luhn_term(unsigned digit, bool doubled)
{
    unsigned term = doubled ? digit * 2 : digit;
    return term > 9 ? term - 9 : term;
}

bool digits_luhn(const char *text, size_t length)
{
    static const uint8_t twice[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    unsigned sum = 0;
    for (size_t i = length; i-- > 0;) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        sum += (length - i) % 2 ? digit : twice[digit];
    }
    return length > 1 && sum % 10 == 0;
}

bool digits_luhn_letters(const char *text, size_t length)
{
    unsigned sum = 0;
    bool doubled = false;
    for (size_t i = length; i-- > 0; doubled = !doubled) {
        int value = digits_base36(text[i]);
        if (value < 0)
            return false;
        sum = (sum + luhn_term((unsigned)value % 10, doubled)) % 10;
        if (value < 10)
            continue;
        doubled = !doubled;
        sum = (sum + luhn_term((unsigned)value / 10, doubled)) % 10;
    }
    return length > 1 && sum == 0;
}

int digits_mod97(const char *text, size_t length)
{
    unsigned rest = 0;
    for (size_t i = 0; i < length; i++) {
        int value = digits_base36(text[i]);
        if (value < 0)
            return -1;
        rest = (rest * (value < 10 ? 10U : 100U) + (unsigned)value) % 97;
    }
    return (int)rest;
}

int64_t digits_modulo(const char *text, size_t length, uint32_t modulus)
{
    if (!digits_only(text, length))
        return -1;
    uint64_t rest = 0;
    for (size_t i = 0; i < length; i++)
        rest = (rest * 10 + (unsigned)digits_value(text[i])) % modulus;
    return (int64_t)rest;
}

bool digits_mod11_10(const char *text, size_t length)
{
    if (length < 2 || !digits_only(text, length))
        return false;
    unsigned product = 10;
    for (size_t i = 0; i + 1 < length; i++) {
        unsigned sum = (product + (unsigned)digits_value(text[i])) % 10;
        product = (sum ? sum : 10) * 2 % 11;
    }
    return (11 - product) % 10 == (unsigned)digits_value(text[length - 1]);
}

/* The dihedral group D5 needs no table: 0 to 4 are rotations, 5 to 9 are reflections. */
static unsigned dihedral(unsigned a, unsigned b)
{
    unsigned turn = a < 5 ? (a + b % 5) % 5 : (a % 5 + 5 - b % 5) % 5;
    return (a < 5) == (b < 5) ? turn : turn + 5;
}

bool digits_verhoeff(const char *text, size_t length)
{
    static const uint8_t permutation[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
    };
    if (length < 2 || !digits_only(text, length))
        return false;
    unsigned check = 0;
    for (size_t i = 0; i < length; i++)
        check = dihedral(check, permutation[i % 8][digits_value(text[length - 1 - i])]);
    return check == 0;
}

int digits_icao(const char *text, size_t length)
{
    static const uint8_t weights[3] = {7, 3, 1};
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++) {
        int value = text[i] == '<' ? 0 : digits_base36(text[i]);
        if (value < 0)
            return -1;
        sum = (sum + (unsigned)value * weights[i % 3]) % 10;
    }
    return (int)sum;
}

static bool repeats(const char *text, size_t length, size_t period)
{
    for (size_t i = period; i < length; i++) {
        if (text[i] != text[i - period])
            return false;
    }
    return true;
}

bool digits_dull(const char *text, size_t length)
{
    size_t counts[10] = {0};
    for (size_t i = 0; i < length; i++) {
        int value = digits_value(text[i]);
        if (value >= 0 && ++counts[value] * 10 >= length * 7)
            return true;
    }
    return repeats(text, length, 2) || repeats(text, length, 3);
}

bool digits_day_valid(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1850 || year > 2100 || month < 1 || month > 12)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= (month == 2 && leap ? 29U : days[month - 1]);
}

static unsigned fold(unsigned value, unsigned by)
{
    return by && value > by ? value % by : value;
}

bool digits_date_valid(const struct digits_date *date, const char *text, size_t length)
{
    unsigned year = 0, month = 0, day = 0, year_digits = 0;
    for (size_t i = 0; date->form[i]; i++) {
        char form = date->form[i];
        if (form == '_')
            continue;
        int value = i < length ? digits_value(text[i]) : -1;
        if (value < 0)
            return false;
        unsigned *part = form == 'Y' ? &year : form == 'M' ? &month : &day;
        *part = *part * 10 + (unsigned)value;
        year_digits += form == 'Y';
    }
    month = fold(fold(month, date->month_fold), date->century_fold);
    /* Without its century 00 counts as leap: 2000 was. */
    return digits_day_valid(year_digits == 4 ? year : 2000 + year % 100, month,
                            day > date->day_fold ? day - date->day_fold : day);
}
