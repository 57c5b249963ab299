#include "formats/numfmt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    digits_max = 48,
    identifier_digits = 10, /* a whole number this long is shown without decimals */
    codes_count = 50,
};

/* Built-in codes that are neither general nor dates (ECMA-376 18.8.30). */
static const char *const builtin_codes[codes_count] = {
    [1] = "0",
    [2] = "0.00",
    [3] = "0",
    [4] = "0.00",
    [5] = "0",
    [6] = "0",
    [7] = "0.00",
    [8] = "0.00",
    [9] = "0%",
    [10] = "0.00%",
    [37] = "0;(0)",
    [38] = "0;(0)",
    [39] = "0.00;(0.00)",
    [40] = "0.00;(0.00)",
    [41] = "0",
    [42] = "0",
    [43] = "0.00",
    [44] = "0.00",
};

/* A number in decimal: 0.d1d2d3... times ten to the power of `point`. */
struct decimal {
    char digits[digits_max + 2];
    int count;
    int point;
    bool negative;
};

struct output {
    char *text;
    size_t length;
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < NUMFMT_MAX)
        out->text[out->length++] = c;
}

static void put_bytes(struct output *out, const char *bytes, size_t length)
{
    size_t room = NUMFMT_MAX - 1 - out->length;
    if (length > room)
        length = room;
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Drop zeros that carry no value at both ends. */
static void normalise(struct decimal *number)
{
    int zeros = 0;
    while (zeros < number->count && number->digits[zeros] == '0')
        zeros++;
    if (zeros > 0) {
        memmove(number->digits, number->digits + zeros, (size_t)(number->count - zeros));
        number->count -= zeros;
        number->point -= zeros;
    }
    while (number->count > 0 && number->digits[number->count - 1] == '0')
        number->count--;
    if (number->count == 0)
        number->point = 0;
}

static const char *take_digits(const char *text, struct decimal *number, bool whole)
{
    for (; is_digit(*text); text++) {
        if (number->count < digits_max)
            number->digits[number->count++] = *text;
        else if (!whole)
            continue;
        if (whole)
            number->point++;
    }
    return text;
}

static bool parse_decimal(const char *text, struct decimal *number)
{
    *number = (struct decimal){0};
    if (*text == '-' || *text == '+')
        number->negative = *text++ == '-';
    const char *start = text;
    text = take_digits(text, number, true);
    if (*text == '.')
        text = take_digits(text + 1, number, false);
    if (text == start || (text == start + 1 && *start == '.'))
        return false;
    if (*text == 'e' || *text == 'E') {
        bool less = text[1] == '-';
        int exponent = 0;
        text += text[1] == '-' || text[1] == '+' ? 2 : 1;
        if (!is_digit(*text))
            return false;
        for (; is_digit(*text); text++)
            exponent = exponent < 1000 ? exponent * 10 + (*text - '0') : exponent;
        if (exponent > 400)
            return false;
        number->point += less ? -exponent : exponent;
    }
    normalise(number);
    return *text == '\0' && number->point <= digits_max && number->point >= -400;
}

/* Keep `decimals` digits after the point, the last one rounded half away from zero. */
static void round_decimal(struct decimal *number, int decimals)
{
    int keep = number->point + decimals;
    if (keep >= number->count)
        return;
    if (keep < 0) {
        number->count = number->point = 0;
        return;
    }
    bool up = number->digits[keep] >= '5';
    number->count = keep;
    for (int i = keep - 1; up && i >= 0; i--) {
        up = number->digits[i] == '9';
        number->digits[i] = up ? '0' : (char)(number->digits[i] + 1);
    }
    if (up) {
        memmove(number->digits + 1, number->digits, (size_t)number->count);
        number->digits[0] = '1';
        number->count++;
        number->point++;
    }
    normalise(number);
}

static bool is_whole(const struct decimal *number)
{
    return number->count <= number->point || number->count == 0;
}

/* The digit before the point that stands for ten to the power of `power`; '0' beyond. */
static char digit_at(const struct decimal *number, int power)
{
    int index = number->point - 1 - power;
    return index >= 0 && index < number->count ? number->digits[index] : '0';
}

static void show_decimal(const struct decimal *number, struct output *out)
{
    if (number->negative && number->count > 0)
        put(out, '-');
    for (int power = number->point > 0 ? number->point - 1 : 0; power >= 0; power--)
        put(out, digit_at(number, power));
    int decimals = number->count - number->point;
    if (number->count == 0 || decimals <= 0)
        return;
    put(out, '.');
    for (int i = 1; i <= decimals; i++)
        put(out, digit_at(number, -i));
}

/* General: whole numbers with all their digits, others to 15 significant ones. */
static void show_general(const struct decimal *number, struct output *out)
{
    struct decimal shown = *number;
    if (!is_whole(&shown))
        round_decimal(&shown, 15 - shown.point);
    if (shown.point < -20) /* too small to write out */
        shown.count = shown.point = 0;
    show_decimal(&shown, out);
}

/* What a pattern consists of. */
enum token_kind {
    TOKEN_END,
    TOKEN_DIGIT,
    TOKEN_POINT,
    TOKEN_PERCENT,
    TOKEN_EXPONENT,
    TOKEN_GENERAL,
    TOKEN_LITERAL,
    TOKEN_NOTHING, /* colours, conditions, padding, grouping */
};

struct token {
    enum token_kind kind;
    const char *bytes; /* of a literal or digit */
    size_t length;
};

/* [$EUR-407] shows EUR; other brackets show nothing. */
static const char *bracket_token(const char *at, const char *end, struct token *token)
{
    const char *close = memchr(at, ']', (size_t)(end - at));
    if (!close)
        close = end - 1;
    token->kind = TOKEN_NOTHING;
    if (at + 1 < close && at[1] == '$') {
        const char *dash = memchr(at, '-', (size_t)(close - at));
        token->kind = TOKEN_LITERAL;
        token->bytes = at + 2;
        token->length = (size_t)((dash ? dash : close) - at - 2);
    }
    return close + 1;
}

static const char *quoted_token(const char *at, const char *end, struct token *token)
{
    const char *close = at + 1 < end ? memchr(at + 1, '"', (size_t)(end - at - 1)) : NULL;
    if (!close)
        close = end;
    *token = (struct token){TOKEN_LITERAL, at + 1, (size_t)(close - at - 1)};
    return close < end ? close + 1 : end;
}

static enum token_kind plain_kind(const char *at, const char *end)
{
    switch (*at) {
    case '0':
    case '#':
    case '?': return TOKEN_DIGIT;
    case '.': return TOKEN_POINT;
    case '%': return TOKEN_PERCENT;
    case ',':
    case '@': return TOKEN_NOTHING;
    case 'E':
    case 'e':
        return at + 1 < end && (at[1] == '+' || at[1] == '-') ? TOKEN_EXPONENT : TOKEN_LITERAL;
    default: return TOKEN_LITERAL;
    }
}

/* The token at `at`; where the next one begins. */
static const char *next_token(const char *at, const char *end, struct token *token)
{
    *token = (struct token){TOKEN_END, at, 0};
    if (at >= end)
        return end;
    if (*at == '[')
        return bracket_token(at, end, token);
    if (*at == '"')
        return quoted_token(at, end, token);
    if (*at == '\\' && at + 1 < end) {
        *token = (struct token){TOKEN_LITERAL, at + 1, 1};
        return at + 2;
    }
    if (*at == '_' || *at == '*') {
        token->kind = TOKEN_NOTHING;
        return at + 2 < end ? at + 2 : end;
    }
    if ((*at | 0x20) == 'g' && end - at >= 7 && strncasecmp(at, "General", 7) == 0) {
        token->kind = TOKEN_GENERAL;
        return at + 7;
    }
    *token = (struct token){plain_kind(at, end), at, 1};
    return at + 1;
}

/* One of the parts of a code that are divided by semicolons. */
struct section {
    const char *start, *end;
    int whole_digits, decimals;
    bool percent, general;
};

static const char *section_end(const char *at)
{
    for (bool quoted = false; *at && (quoted || *at != ';'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && !quoted && at[1])
            at++;
    }
    return at;
}

static void measure(struct section *section)
{
    bool after_point = false;
    struct token token;
    for (const char *at = section->start;;) {
        at = next_token(at, section->end, &token);
        if (token.kind == TOKEN_END)
            return;
        if (token.kind == TOKEN_DIGIT && after_point)
            section->decimals++;
        else if (token.kind == TOKEN_DIGIT)
            section->whole_digits++;
        after_point |= token.kind == TOKEN_POINT;
        section->percent |= token.kind == TOKEN_PERCENT;
        section->general |= token.kind == TOKEN_EXPONENT || token.kind == TOKEN_GENERAL;
    }
}

/* [<=9999999] at the start of a section: whether it holds. No condition: `otherwise`. */
static bool condition_holds(const struct section *section, double value, bool otherwise)
{
    for (const char *at = section->start; at < section->end && *at == '[';) {
        const char *close = memchr(at, ']', (size_t)(section->end - at));
        if (!close)
            break;
        if (strchr("<>=", at[1])) {
            bool less = at[1] == '<', more = at[1] == '>';
            bool unequal = less && at[2] == '>';
            bool equal = (at[1] == '=' || at[2] == '=') && !unequal;
            double bound = strtod(at + 2 + (unequal || at[2] == '='), NULL);
            if (unequal)
                return value < bound || value > bound;
            return (less && value < bound) || (more && value > bound) ||
                   (equal && value <= bound && value >= bound);
        }
        at = close + 1;
    }
    return otherwise;
}

/* The section for a value: the first whose condition holds; without conditions positive,
 * negative, zero. `*drop_sign`: the section itself shows that the number is negative. */
static struct section choose_section(const char *code, double value, bool *drop_sign)
{
    struct section sections[3] = {0};
    int count = 0;
    for (const char *at = code; count < 3; at++) {
        sections[count].start = at;
        at = sections[count++].end = section_end(at);
        if (!*at)
            break;
    }
    int chosen = 0;
    bool first =
        condition_holds(&sections[0], value, count < 2 || value > 0 || (count < 3 && !(value < 0)));
    if (!first)
        chosen = count > 1 && condition_holds(&sections[1], value, value < 0 || count < 3) ? 1 : 2;
    if (chosen >= count)
        chosen = count - 1;
    *drop_sign = chosen == 1;
    measure(&sections[chosen]);
    return sections[chosen];
}

/* The digits for the next placeholder before the point; surplus digits go into the first. */
static void fill_whole(struct output *out, const struct decimal *number, char placeholder,
                       int places_left, bool first)
{
    if (first)
        for (int power = number->point - 1; power >= places_left; power--)
            put(out, digit_at(number, power));
    if (placeholder == '0' || number->point >= places_left)
        put(out, digit_at(number, places_left - 1));
}

static void fill_pattern(const struct section *section, const struct decimal *number,
                         struct output *out)
{
    struct token token;
    int whole_left = section->whole_digits, place = 0;
    bool after_point = false;
    bool decimals = section->decimals > 0;
    for (const char *at = section->start;;) {
        at = next_token(at, section->end, &token);
        if (token.kind == TOKEN_END)
            return;
        if (token.kind == TOKEN_LITERAL) {
            put_bytes(out, token.bytes, token.length);
        } else if (token.kind == TOKEN_PERCENT) {
            put(out, '%');
        } else if (token.kind == TOKEN_POINT && decimals) {
            after_point = true;
            put(out, '.');
        } else if (token.kind == TOKEN_DIGIT && after_point) {
            put(out, digit_at(number, -++place));
        } else if (token.kind == TOKEN_DIGIT && whole_left > 0) {
            fill_whole(out, number, *token.bytes, whole_left, whole_left == section->whole_digits);
            whole_left--;
        }
    }
}

static void show_pattern(const char *code, double value, const struct decimal *number,
                         struct output *out)
{
    bool drop_sign;
    struct section section = choose_section(code, value, &drop_sign);
    if (section.general) {
        show_general(number, out);
        return;
    }
    if (section.whole_digits + section.decimals == 0) {
        fill_pattern(&section, number, out);
        if (out->length > 0)
            put(out, ' ');
        show_general(number, out);
        return;
    }
    struct decimal shown = *number;
    if (section.percent && shown.count > 0)
        shown.point += 2;
    if (is_whole(&shown) && shown.point >= identifier_digits)
        section.decimals = 0;
    round_decimal(&shown, section.decimals);
    if (shown.negative && !drop_sign && shown.count > 0)
        put(out, '-');
    fill_pattern(&section, &shown, out);
}

/* Year, month, day of a count of days since 1970-01-01 (proleptic Gregorian; the era method of
 * 400 years of 146,097 days, beginning in March). */
static void civil_date(long days, long *year, long *month, long *day)
{
    days += 719468;
    long era = (days >= 0 ? days : days - 146096) / 146097;
    long of_era = days - era * 146097;
    long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long shifted = (5 * of_year + 2) / 153;
    *day = of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* At least so many digits; behind a hyphen when `digits` is negative. */
static void put_number(struct output *out, long number, int digits)
{
    char reversed[24];
    int length = 0;
    if (digits < 0)
        put(out, '-');
    for (digits = digits < 0 ? -digits : digits; number > 0 || length < digits; number /= 10)
        reversed[length++] = (char)('0' + number % 10);
    while (length > 0)
        put(out, reversed[--length]);
}

/* Serial 1 is 1900-01-01; 60 is the 29th of February that was not (ECMA-376 18.17.4.1). In the
 * 1904 system serial 0 is 1904-01-01. False outside the years 1900 to 9999. */
static bool show_date(enum numfmt_kind kind, double value, bool since_1904, struct output *out)
{
    if (!(value >= 0 && value < 2958466))
        return false;
    long serial = (long)value;
    long seconds = (long)((value - (double)serial) * 86400 + 0.5);
    if (seconds >= 86400) {
        seconds -= 86400;
        serial++;
    }
    long year = 1900, month = 2, day = 29;
    if (since_1904)
        civil_date(serial - 24107, &year, &month, &day);
    else if (serial != 60)
        civil_date(serial - (serial > 60 ? 25569 : 25568), &year, &month, &day);
    if (kind != NUMFMT_TIME) {
        put_number(out, year, 4);
        put_number(out, month, -2);
        put_number(out, day, -2);
    }
    if (kind == NUMFMT_DATE)
        return true;
    if (kind == NUMFMT_DATE_TIME)
        put(out, ' ');
    put_number(out, seconds / 3600 + (kind == NUMFMT_TIME ? serial * 24 : 0), 2);
    put(out, ':');
    put_number(out, seconds / 60 % 60, 2);
    put(out, ':');
    put_number(out, seconds % 60, 2);
    return true;
}

/* Which of the letters of dates and times a code uses outside of quotes and brackets. */
static void find_date_letters(const char *code, bool *date, bool *time)
{
    const char *end = code + strlen(code);
    struct token token;
    *date = *time = false;
    for (const char *at = code;;) {
        const char *from = at;
        at = next_token(at, end, &token);
        if (token.kind == TOKEN_END)
            return;
        if (token.kind == TOKEN_NOTHING && *from == '[' && from[1] && strchr("hHmMsS", from[1]))
            *time |= from[2] == ']' || from[2] == from[1];
        if (token.kind != TOKEN_LITERAL || token.bytes != from)
            continue;
        *date |= strchr("yYdD", *from) != NULL;
        *time |= strchr("hHsS", *from) != NULL;
        *date |= (*from == 'm' || *from == 'M') && (from[1] == *from) && (from[2] == *from);
    }
}

struct numfmt numfmt_of_code(const char *code)
{
    if (!code || !*code || strcasecmp(code, "General") == 0 || strcmp(code, "@") == 0)
        return (struct numfmt){NUMFMT_GENERAL, NULL};
    bool date, time;
    find_date_letters(code, &date, &time);
    enum numfmt_kind kind = NUMFMT_PATTERN;
    if (date || time)
        kind = !time ? NUMFMT_DATE : date ? NUMFMT_DATE_TIME : NUMFMT_TIME;
    return (struct numfmt){kind, code};
}

struct numfmt numfmt_of_id(unsigned id)
{
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
        return (struct numfmt){NUMFMT_DATE, NULL};
    if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47))
        return (struct numfmt){NUMFMT_TIME, NULL};
    if (id == 22)
        return (struct numfmt){NUMFMT_DATE_TIME, NULL};
    return id < codes_count ? numfmt_of_code(builtin_codes[id]) : numfmt_of_code(NULL);
}

/* What decides between the sections of a code: the sign, but for sections with conditions. */
static double deciding_value(const char *code, const char *number, const struct decimal *decimal)
{
    if (strchr(code, '['))
        return strtod(number, NULL);
    return decimal->count == 0 ? 0 : decimal->negative ? -1 : 1;
}

/* Whether a number stands there as General shows it: few digits, no exponent, nothing to drop. */
static bool is_plain(const char *number)
{
    const char *digits = number + (*number == '-');
    size_t whole = strspn(digits, "0123456789");
    if (whole == 0 || whole > 15 || (*digits == '0' && (whole > 1 || *number == '-')))
        return false;
    if (digits[whole] == '\0')
        return true;
    size_t decimals = digits[whole] == '.' ? strspn(digits + whole + 1, "0123456789") : 0;
    return decimals > 0 && digits[whole + 1 + decimals] == '\0' && whole + decimals <= 15 &&
           digits[whole + decimals] != '0';
}

size_t numfmt_show(const struct numfmt *format, const char *number, bool since_1904,
                   char text[static NUMFMT_MAX])
{
    struct output out = {.text = text};
    struct decimal decimal;
    bool as_it_is = format->kind == NUMFMT_GENERAL && is_plain(number);
    if (as_it_is || !parse_decimal(number, &decimal)) {
        put_bytes(&out, number, strnlen(number, NUMFMT_MAX));
    } else if (format->kind == NUMFMT_GENERAL) {
        show_general(&decimal, &out);
    } else if (format->kind == NUMFMT_PATTERN) {
        show_pattern(format->code, deciding_value(format->code, number, &decimal), &decimal, &out);
    } else if (!show_date(format->kind, strtod(number, NULL), since_1904, &out)) {
        show_general(&decimal, &out);
    }
    text[out.length] = '\0';
    return out.length;
}
