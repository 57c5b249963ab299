#include "checks_parts.h"

#include <string.h>

/* Issuer ranges, most specific matters not: a number may belong to two brands that share them.
 * Lengths: bit n for n digits. */
struct brand {
    uint32_t first, last; /* of the first six digits */
    uint32_t lengths;     /* 0: the end of a brand's ranges */
};

#define LENGTH(n)         (1U << (n))
#define LENGTHS(from, to) ((LENGTH((to) + 1) - 1) & ~(LENGTH(from) - 1))

static const struct brand visa[] = {
    {400000, 499999, LENGTH(13) | LENGTH(16) | LENGTH(19)},
    {0, 0, 0},
};

static const struct brand mastercard[] = {
    {510000, 559999, LENGTH(16)},
    {222100, 272099, LENGTH(16)},
    {0, 0, 0},
};

static const struct brand amex[] = {
    {340000, 349999, LENGTH(15)},
    {370000, 379999, LENGTH(15)},
    {0, 0, 0},
};

static const struct brand diners[] = {
    {300000, 305999, LENGTHS(14, 19)},
    {309500, 309599, LENGTHS(14, 19)},
    {360000, 369999, LENGTHS(14, 19)},
    {380000, 399999, LENGTHS(14, 19)},
    {0, 0, 0},
};

static const struct brand discover[] = {
    {601100, 601199, LENGTHS(16, 19)},
    {644000, 659999, LENGTHS(16, 19)},
    {622126, 622925, LENGTHS(16, 19)},
    {0, 0, 0},
};

static const struct brand jcb[] = {
    {352800, 358999, LENGTHS(16, 19)},
    {0, 0, 0},
};

static const struct brand unionpay[] = {
    {620000, 629999, LENGTHS(16, 19)},
    {810000, 819999, LENGTHS(16, 19)},
    {0, 0, 0},
};

static const struct brand maestro[] = {
    {501800, 501899, LENGTHS(12, 19)}, {502000, 502099, LENGTHS(12, 19)},
    {503800, 503899, LENGTHS(12, 19)}, {589300, 589399, LENGTHS(12, 19)},
    {630400, 630499, LENGTHS(12, 19)}, {675900, 675999, LENGTHS(12, 19)},
    {676100, 676399, LENGTHS(12, 19)}, {0, 0, 0},
};

static const struct brand mir[] = {
    {220000, 220499, LENGTHS(16, 19)},
    {0, 0, 0},
};

static const struct brand rupay[] = {
    {508000, 508999, LENGTH(16)},
    {600000, 609999, LENGTH(16)},
    {650000, 659999, LENGTH(16)},
    {810000, 829999, LENGTH(16)},
    {353000, 353999, LENGTH(16)},
    {356000, 356999, LENGTH(16)},
    {0, 0, 0},
};

static const struct brand elo_hipercard[] = {
    {401178, 401179, LENGTH(16)},
    {431274, 431274, LENGTH(16)},
    {438935, 438935, LENGTH(16)},
    {451416, 451416, LENGTH(16)},
    {457393, 457393, LENGTH(16)},
    {504175, 504175, LENGTH(16)},
    {506700, 506799, LENGTH(16)},
    {509000, 509999, LENGTH(16)},
    {606282, 606282, LENGTH(16)},
    {627780, 627780, LENGTH(16)},
    {636297, 636297, LENGTH(16)},
    {650000, 655099, LENGTH(16)},
    {0, 0, 0},
};

static const struct brand verve[] = {
    {506099, 506198, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {507865, 507964, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {650002, 650027, LENGTH(16) | LENGTH(18) | LENGTH(19)},
    {0, 0, 0},
};

static const struct brand troy_dankort_uatp[] = {
    {979200, 979299, LENGTH(16)}, {501900, 501999, LENGTH(16)},      {457100, 457199, LENGTH(16)},
    {100000, 199999, LENGTH(15)}, {636000, 639999, LENGTHS(16, 19)}, {0, 0, 0},
};

static const struct brand central_asia[] = {
    {860000, 860099, LENGTH(16)},
    {561400, 561499, LENGTH(16)},
    {986000, 986099, LENGTH(16)},
    {357111, 357111, LENGTH(16)},
    {0, 0, 0},
};

static const struct brand *const brands[] = {
    visa, mastercard, amex,          diners, discover,          jcb,         unionpay, maestro,
    mir,  rupay,      elo_hipercard, verve,  troy_dankort_uatp, central_asia};

/* Published specimens look made up too; the types cap them instead of dropping them. */
static bool specimen(const char *value, size_t length)
{
    static const char *const specimens[] = {"4111111111111111", "4222222222222", "4242424242424242",
                                            "5555555555554444", "6200000000000005"};
    for (size_t i = 0; i < sizeof(specimens) / sizeof(specimens[0]); i++) {
        if (strlen(specimens[i]) == length && memcmp(specimens[i], value, length) == 0)
            return true;
    }
    return false;
}

static bool is_of(const struct brand *brand, int64_t issuer, size_t length)
{
    for (; brand->lengths; brand++)
        if (issuer >= brand->first && issuer <= brand->last && brand->lengths & LENGTH(length))
            return true;
    return false;
}

static bool is_card(const char *value, size_t length)
{
    return digits_luhn(value, length) && (!digits_dull(value, length) || specimen(value, length));
}

/* A card of any brand. */
static bool any_card(const char *value, size_t length)
{
    if (length < 12 || length > 19 || !is_card(value, length))
        return false;
    int64_t issuer = digits_number(value, 6);
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
        if (is_of(brands[i], issuer, length))
            return true;
    return false;
}

static bool card(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return any_card(input->value, input->length);
}

static bool card_brand(const struct checks_row *row, const struct checks_input *input)
{
    size_t length = input->length;
    return length >= 12 && length <= 19 &&
           is_of(row->rule, digits_number(input->value, 6), length) &&
           is_card(input->value, length);
}

static bool luhn(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    return digits_luhn(input->value, input->length);
}

static size_t digits_run(const char *text, size_t length)
{
    size_t run = 0;
    while (run < length && digits_value(text[run]) >= 0)
        run++;
    return run;
}

/* Track 1 `%B` number `^` name `^` YYMM..., track 2 `;` number `=` YYMM... (ISO/IEC 7813). */
static bool card_track(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    const char *text = input->raw, *end = text + input->raw_length;
    while (text < end && digits_value(*text) < 0)
        text++;
    size_t number = digits_run(text, (size_t)(end - text));
    if (!any_card(text, number) || text + number == end)
        return false;
    const char *expiry = text + number + 1;
    if (text[number] == '^') {
        expiry = memchr(expiry, '^', (size_t)(end - expiry));
        if (!expiry++)
            return false;
    }
    int64_t month = end - expiry >= 4 ? digits_number(expiry + 2, 2) : -1;
    return month >= 1 && month <= 12;
}

static const struct checks_row rows[] = {
    {"luhn", 10, luhn, NULL},
    {"card", 60, card, NULL},
    {"card-visa", 10, card_brand, visa},
    {"card-mastercard", 10, card_brand, mastercard},
    {"card-amex", 10, card_brand, amex},
    {"card-diners", 10, card_brand, diners},
    {"card-discover", 10, card_brand, discover},
    {"card-jcb", 10, card_brand, jcb},
    {"card-unionpay", 10, card_brand, unionpay},
    {"card-maestro", 10, card_brand, maestro},
    {"card-mir", 10, card_brand, mir},
    {"card-rupay", 10, card_brand, rupay},
    {"card-elo-hipercard", 20, card_brand, elo_hipercard},
    {"card-verve", 20, card_brand, verve},
    {"card-troy-dankort-uatp", 10, card_brand, troy_dankort_uatp},
    {"card-central-asia", 10, card_brand, central_asia},
    {"card-track", 60, card_track, NULL},
};

const struct checks_table checks_cards = CHECKS_TABLE(rows);
