#include "tokens.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Ranges whose characters stand for others one by one. */
static const struct range {
    uint32_t from, to;
    uint8_t kind, code;
    bool step; /* code counts up with the character */
} ranges[] = {
    {0xa0, 0xa0, TOKENS_SEPARATOR, ' ', false},     {0xaa, 0xaa, TOKENS_BLOCK, 0, false},
    {0xb5, 0xb5, TOKENS_BLOCK, 0, false},           {0xba, 0xba, TOKENS_BLOCK, 0, false},
    {0xc0, 0xd6, TOKENS_WORD, 0xc0, true},          {0xd8, 0xf6, TOKENS_WORD, 0xd8, true},
    {0xf8, 0xff, TOKENS_WORD, 0xf8, true},          {0x660, 0x669, TOKENS_WORD, '0', true},
    {0x6f0, 0x6f9, TOKENS_WORD, '0', true},         {0x2000, 0x200a, TOKENS_SEPARATOR, ' ', false},
    {0x2010, 0x2015, TOKENS_SEPARATOR, '-', false}, {0x202f, 0x202f, TOKENS_SEPARATOR, ' ', false},
    {0x2212, 0x2212, TOKENS_SEPARATOR, '-', false}, {0x3000, 0x3000, TOKENS_SEPARATOR, ' ', false},
    {0xff0d, 0xff0d, TOKENS_SEPARATOR, '-', false}, {0xff0e, 0xff0e, TOKENS_SEPARATOR, '.', false},
    {0xff0f, 0xff0f, TOKENS_SEPARATOR, '/', false}, {0xff10, 0xff19, TOKENS_WORD, '0', true},
    {0xff21, 0xff3a, TOKENS_WORD, 'A', true},       {0xff41, 0xff5a, TOKENS_WORD, 'a', true},
};

/* Scripts that are written without spaces: their letters end no word and block no value. */
static const struct {
    uint32_t from, to;
} spaceless[] = {
    {0x0e00, 0x0eff}, {0x1000, 0x109f},   {0x1100, 0x11ff},   {0x1780, 0x17ff}, {0x2e80, 0x31ff},
    {0x3400, 0x4dbf}, {0x4e00, 0x9fff},   {0xa960, 0xa97f},   {0xac00, 0xd7ff}, {0xf900, 0xfaff},
    {0xff65, 0xffdc}, {0x1b000, 0x1b16f}, {0x20000, 0x3ffff},
};

const uint8_t tokens_ascii[128] = {
    ['0' ... '9'] = TOKENS_WORD, ['A' ... 'Z'] = TOKENS_WORD, ['a' ... 'z'] = TOKENS_WORD,
    ['_'] = TOKENS_BLOCK,        [' '] = TOKENS_SEPARATOR,    ['-'] = TOKENS_SEPARATOR,
    ['.'] = TOKENS_SEPARATOR,    ['/'] = TOKENS_SEPARATOR,    [':'] = TOKENS_SEPARATOR,
    ['('] = TOKENS_SEPARATOR,    [')'] = TOKENS_SEPARATOR,    ['['] = TOKENS_SEPARATOR,
    [']'] = TOKENS_SEPARATOR,    ['+'] = TOKENS_SEPARATOR,    ['&'] = TOKENS_SEPARATOR,
};

static bool is_spaceless(uint32_t character)
{
    for (size_t i = 0; i < sizeof spaceless / sizeof *spaceless; i++)
        if (character >= spaceless[i].from && character <= spaceless[i].to)
            return true;
    return false;
}

static void decode_one(uint32_t c, struct tokens_char *out)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *range = &ranges[i];
        if (c < range->from || c > range->to)
            continue;
        out->kind = range->kind;
        out->code = (uint8_t)(range->code + (range->step ? c - range->from : 0));
        return;
    }
    if (c < 0x250 || is_spaceless(c))
        out->kind = c >= 0x100 && c < 0x250 ? TOKENS_BLOCK : TOKENS_OTHER;
    else
        out->kind = utf8proc_category((utf8proc_int32_t)c) <= UTF8PROC_CATEGORY_NO ? TOKENS_BLOCK
                                                                                   : TOKENS_OTHER;
    if (utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CN)
        out->kind = TOKENS_OTHER;
}

void tokens_decode_wide(const char *text, size_t length, struct tokens_char *out)
{
    uint32_t character;
    size_t width = utf8_decode(text, length, &character);
    *out = (struct tokens_char){.width = 1, .kind = TOKENS_OTHER};
    if (!width)
        return;
    out->width = (uint8_t)width;
    decode_one(character, out);
}

bool tokens_before(const char *text, size_t end, struct tokens_char *character)
{
    if (!end)
        return false;
    size_t start = end - 1;
    while (start > 0 && end - start < 4 && ((unsigned char)text[start] & 0xc0) == 0x80)
        start--;
    tokens_decode(text + start, end - start, character);
    if (start + character->width != end)
        *character = (struct tokens_char){.width = 1, .kind = TOKENS_OTHER};
    return true;
}

/* Bytes that may begin a digit outside ASCII: lead bytes of U+0660.., U+06F0.. and U+FF10... */
static bool digitlike(unsigned char byte)
{
    return (unsigned)(byte - '0') < 10 || byte == 0xef || byte == 0xd9 || byte == 0xdb;
}

static bool wordlike(unsigned char byte)
{
    return (unsigned)(byte - '0') < 10 || (unsigned)((byte | 32) - 'a') < 26;
}

static void map_plain(const char *text, size_t count, uint64_t *digits, uint64_t *words,
                      uint64_t *leads)
{
    *digits = *words = *leads = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text[i];
        *digits |= (uint64_t)digitlike(byte) << i;
        *words |= (uint64_t)wordlike(byte) << i;
        *leads |= (uint64_t)(byte >= 0xc0) << i;
    }
}

static uint64_t where_plain(const char *text, size_t count, char byte)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++)
        found |= (uint64_t)(text[i] == byte) << i;
    return found;
}

#if defined(__SSE2__)
static uint64_t mask_of(__m128i bytes)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(bytes);
}

/* Bytes from `from` to from + count - 1 (signed comparison after a shift to the lowest value). */
static __m128i between(__m128i bytes, char from, char count)
{
    const __m128i lowest = _mm_set1_epi8((char)-128);
    __m128i moved = _mm_add_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8(from)), lowest);
    return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(count - 128)));
}

static void map_block(const char *text, uint64_t *digits, uint64_t *words, uint64_t *leads)
{
    *digits = *words = *leads = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(text + i * 16));
        __m128i digit = between(bytes, '0', 10);
        __m128i letter = between(_mm_or_si128(bytes, _mm_set1_epi8(32)), 'a', 26);
        __m128i lead = between(bytes, (char)0xc0, 0x40);
        __m128i wide = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xef)),
                                    _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xd9)),
                                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xdb))));
        *digits |= mask_of(_mm_or_si128(digit, wide)) << i * 16;
        *words |= mask_of(_mm_or_si128(digit, letter)) << i * 16;
        *leads |= mask_of(lead) << i * 16;
    }
}
static uint64_t where_block(const char *text, char byte)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < 4; i++)
        found |= mask_of(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(text + i * 16)),
                                        _mm_set1_epi8(byte)))
                 << i * 16;
    return found;
}
#else
static uint64_t where_block(const char *text, char byte)
{
    return where_plain(text, 64, byte);
}

static void map_block(const char *text, uint64_t *digits, uint64_t *words, uint64_t *leads)
{
    map_plain(text, 64, digits, words, leads);
}
#endif

void tokens_map(const char *text, size_t length, const struct tokens_maps *maps)
{
    size_t count = tokens_map_words(length), whole = length / 64;
    for (size_t i = 0; i < whole; i++)
        map_block(text + i * 64, &maps->digits[i], &maps->words[i], &maps->leads[i]);
    for (size_t i = whole; i < count; i++)
        map_plain(text + i * 64, i == whole ? length % 64 : 0, &maps->digits[i], &maps->words[i],
                  &maps->leads[i]);
}

uint64_t tokens_where(const char *text, size_t count, char byte)
{
    return count >= 64 ? where_block(text, byte) : where_plain(text, count, byte);
}
