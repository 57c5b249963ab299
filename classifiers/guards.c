#include "guards.h"

#include <string.h>

#include "tokens.h"

enum { run_bytes = 32, run_most = 256, url_bytes = 200 };

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static unsigned char at_or_zero(const char *text, size_t length, size_t at)
{
    return at < length ? (unsigned char)text[at] : 0;
}

static bool digit_at(const char *text, size_t length, size_t at)
{
    struct tokens_char c;
    if (at >= length)
        return false;
    tokens_decode(text + at, length - at, &c);
    return c.kind == TOKENS_WORD && is_digit(c.code);
}

static bool digit_before(const char *text, size_t end)
{
    struct tokens_char c;
    return tokens_before(text, end, &c) && c.kind == TOKENS_WORD && is_digit(c.code);
}

static bool is_money(const char *text, size_t length, size_t at)
{
    static const char *const signs[] = {"$", "%", "\xe2\x82\xac", "\xc2\xa3", "\xc2\xa5"};
    unsigned char first = at_or_zero(text, length, at);
    if (first != '$' && first != '%' && first != 0xe2 && first != 0xc2)
        return false;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i]);
        if (at + size <= length && memcmp(text + at, signs[i], size) == 0)
            return true;
    }
    return false;
}

static bool money_before(const char *text, size_t start)
{
    for (size_t size = 1; size <= 3 && size <= start; size++)
        if (text[start - size] != '%' && is_money(text + start - size, size, 0))
            return true;
    return false;
}

/* `name=` in front, inside a URL. */
static bool in_query(const char *text, size_t start)
{
    size_t at = start, least = start > url_bytes ? start - url_bytes : 0;
    while (at > least && (unsigned char)text[at - 1] > ' ') {
        at--;
        if (text[at] == '/' && at > 1 && text[at - 1] == '/' && text[at - 2] == ':')
            return true;
    }
    return false;
}

/* Digits in a row from `at` on, and how many stand before `end`. */
static size_t digits_from(const char *text, size_t length, size_t at)
{
    size_t count = 0;
    while (count < 24 && is_digit(at_or_zero(text, length, at + count)))
        count++;
    return count;
}

static size_t digits_until(const char *text, size_t end)
{
    size_t count = 0;
    while (count < 24 && count < end && is_digit((unsigned char)text[end - count - 1]))
        count++;
    return count;
}

static bool holds_space(const char *text, size_t start, size_t end)
{
    return memchr(text + start, ' ', end - start);
}

/* "1234 5678 9012 3456 7890": groups of one size go on beyond the candidate. */
static bool longer_run(const char *text, size_t length, size_t start, size_t end)
{
    if (!holds_space(text, start, end))
        return false;
    if (start > 0 && text[start - 1] == ' ') {
        size_t size = digits_until(text, start - 1);
        if (size > 1 && size == digits_from(text, length, start))
            return true;
    }
    size_t size = at_or_zero(text, length, end) == ' ' ? digits_from(text, length, end + 1) : 0;
    return size > 1 && size == digits_until(text, end) && is_digit((unsigned char)text[end - 1]);
}

static bool left_clean(const char *text, size_t start)
{
    struct tokens_char c;
    if (!tokens_before(text, start, &c))
        return true;
    if (tokens_wordlike(&c) || c.code == '@')
        return false;
    size_t before = start - c.width;
    if (c.kind == TOKENS_SEPARATOR && strchr("-./", c.code) && digit_before(text, before))
        return false;
    if (c.code == ',' && digit_before(text, before))
        return !(before >= 4 && text[before - 4] == '.');
    if (c.code == '=')
        return !in_query(text, before);
    return !money_before(text, start);
}

static bool right_clean(const char *text, size_t length, size_t end)
{
    struct tokens_char c;
    if (end >= length)
        return true;
    tokens_decode(text + end, length - end, &c);
    if (tokens_wordlike(&c) || c.code == '@')
        return false;
    if (c.kind == TOKENS_SEPARATOR && strchr("-./", c.code) &&
        digit_at(text, length, end + c.width))
        return false;
    if (c.code == ',' && end >= 4 && text[end - 4] == '.' && digit_at(text, length, end + 1))
        return false; /* 12.345,67 */
    return !is_money(text, length, end);
}

bool guards_edges(const char *text, size_t length, size_t start, size_t end)
{
    return left_clean(text, start) && right_clean(text, length, end) &&
           !longer_run(text, length, start, end);
}

static bool in_base64(unsigned char c)
{
    return is_digit(c) || (unsigned)((c | 32) - 'a') < 26 || c == '+' || c == '/' || c == '_' ||
           c == '-';
}

bool guards_in_run(const char *text, size_t length, size_t start, size_t end)
{
    size_t from = start, to = end;
    while (from > 0 && start - from < run_most && in_base64((unsigned char)text[from - 1]))
        from--;
    while (to < length && to - end < run_most && in_base64((unsigned char)text[to]))
        to++;
    for (size_t i = start; i < end; i++)
        if (!in_base64((unsigned char)text[i]))
            return false;
    return to - from >= run_bytes && to - from > end - start;
}

static bool all_digits(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_digit((unsigned char)value[i]))
            return false;
    return length > 0;
}

static bool has_period(const char *value, size_t length, size_t period)
{
    for (size_t i = period; i < length; i++)
        if (value[i] != value[i - period])
            return false;
    return true;
}

static bool mostly_one(const char *value, size_t length)
{
    size_t counts[10] = {0}, most = 0;
    for (size_t i = 0; i < length; i++)
        counts[value[i] - '0']++;
    for (size_t i = 0; i < 10; i++)
        most = counts[i] > most ? counts[i] : most;
    return most * 10 >= length * 7;
}

/* 8 and more digits that count up or down, four fifths of the value at least. */
static bool counts_on(size_t run, size_t length)
{
    return run >= 8 && run * 5 >= length * 4;
}

bool guards_dull(const char *value, size_t length)
{
    size_t up = 1, down = 1, longest = 1, kinds = 1;
    if (length < 6 || !is_digit((unsigned char)value[0]))
        return false;
    unsigned seen = 1u << (value[0] - '0');
    for (size_t i = 1; i < length; i++) {
        if (!is_digit((unsigned char)value[i]))
            return false;
        int step = value[i] - value[i - 1];
        unsigned bit = 1u << (value[i] - '0');
        kinds += !(seen & bit);
        seen |= bit;
        up = step == 1 || step == -9 ? up + 1 : 1;
        down = step == -1 || step == 9 ? down + 1 : 1;
        longest = up > longest ? up : longest;
        longest = down > longest ? down : longest;
    }
    if (counts_on(longest, length))
        return true;
    if (kinds <= 3 && (has_period(value, length, 1) || has_period(value, length, 2) ||
                       has_period(value, length, 3)))
        return true;
    return (kinds - 1) * 10 <= length * 3 && mostly_one(value, length);
}

bool guards_timestamp(const char *value, size_t length)
{
    unsigned long seconds = 0;
    if ((length != 10 && length != 13) || !all_digits(value, length))
        return false;
    for (size_t i = 0; i < 10; i++)
        seconds = seconds * 10 + (unsigned long)(value[i] - '0');
    return seconds >= 1000000000 && seconds <= 2100000000;
}

bool guards_isbn(const char *value, size_t length)
{
    unsigned sum = 0;
    if (length != 13 || !all_digits(value, length) || memcmp(value, "97", 2) != 0 ||
        (value[2] != '8' && value[2] != '9'))
        return false;
    for (size_t i = 0; i < 13; i++)
        sum += (unsigned)(value[i] - '0') * (i % 2 ? 3 : 1);
    return sum % 10 == 0;
}

static bool holds_caseless(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= length; at++) {
        size_t i = 0;
        while (i < size) {
            char c = text[at + i];
            if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i])
                break;
            i++;
        }
        if (i == size)
            return true;
    }
    return false;
}

static bool is_percent_variable(const char *text, size_t length)
{
    return length > 2 && text[0] == '%' && text[length - 1] == '%';
}

bool guards_placeholder(const char *text, size_t length)
{
    static const char *const words[] = {
        "xxxx",     "****",      "${",       "{{",       "your_",    "your-",       "yourkey",
        "changeme", "change_me", "example",  "dummy",    "redacted", "placeholder", "insert_",
        "00000000", "11111111",  "12345678", "abcdefgh", "<your",    "........",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds_caseless(text, length, words[i]))
            return true;
    return is_percent_variable(text, length);
}
