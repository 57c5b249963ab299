#include "checks_parts.h"

#include <string.h>

static bool npi(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 10 || !memchr("12", input->value[0], 2))
        return false;
    char number[15] = "80840";
    memcpy(number + 5, input->value, 10);
    return digits_luhn(number, 15);
}

static bool dea(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *digits = input->value + 2;
    if (input->length != 9 || !digits_only(digits, 7) ||
        !memchr("ABCDEFGHJKLMPRSTUX", input->value[0], 18) || digits_dull(digits, 7))
        return false;
    int sum = 0;
    for (size_t i = 0; i < 6; i++)
        sum += digits_value(digits[i]) * (i % 2 ? 2 : 1);
    return sum % 10 == digits_value(digits[6]);
}

/* CMS, "Understanding the MBI format": C A AN N A AN N A A N N without S L O I B Z. */
static bool mbi(const struct checks_row *row, const struct checks_input *input)
{
    static const char form[] = "CAXNAXNAANN";
    (void)row;
    if (input->length != 11 || input->value[0] == '0')
        return false;
    for (size_t i = 0; i < 11; i++) {
        char c = input->value[i];
        bool digit = digits_value(c) >= 0;
        bool letter = digits_base36(c) >= 10 && !memchr("SLOIBZ", c, 6);
        if (form[i] == 'A' ? !letter : form[i] == 'X' ? !letter && !digit : !digit)
            return false;
    }
    return true;
}

/* ISO 3779 with the check digit of 49 CFR 565.15; European makers do not use it. */
static bool vin_digit(const struct checks_row *row, const struct checks_input *input)
{
    static const char values[] = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ";
    static const int weights[17] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
    (void)row;
    if (input->length != 17)
        return false;
    int sum = 0;
    for (size_t i = 0; i < 17; i++) {
        const char *place = memchr(values, input->value[i], sizeof(values) - 1);
        if (!place || *place == '.')
            return false;
        sum += (int)((place - values) % 10) * weights[i];
    }
    return "0123456789X"[sum % 11] == input->value[8];
}

/* A chassis number has letters and digits, and digits in the last places. */
static bool vin(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t letters = 0;
    for (size_t i = 0; i < input->length; i++)
        letters += digits_value(input->value[i]) < 0;
    return input->length == 17 && letters >= 2 && digits_only(input->value + 13, 4);
}

static bool imei(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length == 16) /* with a software version there is no check digit */
        return digits_only(input->value, 16) && !digits_dull(input->value, 16);
    return input->length == 15 && digits_luhn(input->value, 15) && !digits_dull(input->value, 15);
}

/* ICAO 9303 part 4: a passport's second line, each field and the composite. */
static bool mrz(const struct checks_row *row, const struct checks_input *input)
{
    static const struct {
        uint8_t from, to, check;
    } fields[] = {{0, 9, 9}, {13, 19, 19}, {21, 27, 27}};
    (void)row;
    const char *line = input->value;
    if (input->length != 44)
        return false;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int check = digits_icao(line + fields[i].from, (size_t)fields[i].to - fields[i].from);
        if (check < 0 || check != digits_value(line[fields[i].check]))
            return false;
    }
    char composite[39];
    memcpy(composite, line, 10);
    memcpy(composite + 10, line + 13, 7);
    memcpy(composite + 17, line + 21, 22);
    int check = digits_icao(composite, 39);
    return check >= 0 && check == digits_value(line[43]);
}

/* DVLA: surname, decade, month (+50 for women), day, year, initials. */
static bool dvla(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 16)
        return false;
    int64_t month = digits_number(input->value + 6, 2), day = digits_number(input->value + 8, 2);
    month = month > 50 ? month - 50 : month;
    bool filled = false; /* a surname is filled up with nines at its end */
    for (size_t i = 0; i < 5; i++) {
        if (filled && input->value[i] != '9')
            return false;
        filled |= input->value[i] == '9';
    }
    return input->value[0] != '9' && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
           digits_value(input->value[5]) >= 0 && digits_value(input->value[10]) >= 0;
}

static bool fuehrerschein(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t digits = 0;
    for (size_t i = 0; i < input->length; i++)
        digits += digits_value(input->value[i]) >= 0;
    return input->length == 11 && digits >= 5;
}

/* Four numbers up to 255; not this host, not multicast, not the nets of examples (RFC 5737). */
static bool ipv4(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    int64_t parts[4] = {0, 0, 0, 0};
    size_t part = 0, digits = 0;
    for (size_t i = 0; i < input->raw_length; i++) {
        int value = digits_value(input->raw[i]);
        if (value < 0) {
            if (input->raw[i] != '.' || digits == 0 || ++part > 3)
                return false;
            digits = 0;
            continue;
        }
        if ((digits == 1 && parts[part] == 0) || ++digits > 3)
            return false;
        parts[part] = parts[part] * 10 + value;
        if (parts[part] > 255)
            return false;
    }
    int64_t net = parts[0] << 16 | parts[1] << 8 | parts[2];
    return part == 3 && digits > 0 && parts[0] != 0 && parts[0] != 127 && parts[0] < 224 &&
           net != 0xc00002 && net != 0xc63364 && net != 0xcb0071;
}

static bool mac(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t digits = 0, same = 0, first = 0;
    for (size_t i = 0; i < input->raw_length; i++) {
        char c = input->raw[i];
        bool hex = digits_value(c) >= 0 || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (hex && digits == 0)
            first = i;
        digits += hex;
        same += hex && c == input->raw[first];
    }
    return digits == 12 && same < 12;
}

/* Up to three numbers of one to four digits with something between them; how many. */
static size_t read_parts(const struct checks_input *input, unsigned numbers[3], size_t digits[3])
{
    size_t part = 0;
    for (size_t i = 0; i < input->raw_length; i++) {
        int value = digits_value(input->raw[i]);
        if (value < 0 && (digits[part] == 0 || ++part > 2))
            return 0;
        if (value < 0)
            continue;
        if (++digits[part] > 4)
            return 0;
        numbers[part] = numbers[part] * 10 + (unsigned)value;
    }
    return digits[part] ? part + 1 : part;
}

/* A day of the calendar, day first, month first or year first. */
static bool date_any(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    unsigned numbers[3] = {0};
    size_t digits[3] = {0};
    if (read_parts(input, numbers, digits) != 3)
        return false;
    if (digits[0] == 4)
        return digits[1] <= 2 && digits[2] <= 2 &&
               digits_day_valid(numbers[0], numbers[1], numbers[2]);
    if (digits[0] > 2 || digits[1] > 2 || digits[2] % 2)
        return false;
    unsigned year = digits[2] == 2 ? numbers[2] + 2000 : numbers[2];
    return digits_day_valid(year, numbers[1], numbers[0]) ||
           digits_day_valid(year, numbers[0], numbers[1]);
}

static bool ndc(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return (input->length == 10 || input->length == 11) &&
           digits_only(input->value, input->length) && !digits_dull(input->value, input->length);
}

/* NANP: area and exchange from 200 on, neither N11; 555-01xx is for fiction. */
static bool nanp(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *value = input->value;
    size_t length = 0;
    char digits[11];
    for (size_t i = 0; i < input->length; i++) {
        if (digits_value(value[i]) < 0)
            continue;
        if (length == sizeof(digits))
            return false;
        digits[length++] = value[i];
    }
    const char *number = digits + (length == 11);
    if ((length != 10 && length != 11) || (length == 11 && digits[0] != '1'))
        return false;
    return number[0] >= '2' && number[3] >= '2' && memcmp(number + 1, "11", 2) != 0 &&
           memcmp(number + 4, "11", 2) != 0 && memcmp(number + 3, "55501", 5) != 0 &&
           !digits_dull(number, 10);
}

/* E.164: at most 15 digits; fewer than 8 reach nobody from abroad. */
static bool e164(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    size_t digits = 0;
    for (size_t i = 0; i < input->length; i++)
        digits += digits_value(input->value[i]) >= 0;
    return digits >= 8 && digits <= 15 && !digits_dull(input->value, input->length);
}

static const struct checks_row rows[] = {
    {"us-npi", 10, npi, NULL},
    {"us-dea", 10, dea, NULL},
    {"us-mbi", 60, mbi, NULL},
    {"us-ndc", 1, ndc, NULL},
    {"vin", 2, vin, NULL},
    {"vin-digit", 11, vin_digit, NULL},
    {"imei", 10, imei, NULL},
    {"passport-mrz", 10000, mrz, NULL},
    {"uk-driving-licence", 60, dvla, NULL},
    {"de-fuehrerschein", 2, fuehrerschein, NULL},
    {"ipv4", 2, ipv4, NULL},
    {"mac-address", 1, mac, NULL},
    {"date", 27, date_any, NULL},
    {"phone-e164", 1, e164, NULL},
    {"phone-nanp", 2, nanp, NULL},
};

const struct checks_table checks_people = CHECKS_TABLE(rows);
