#include "sha256.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

static void expand(const uint8_t *block, uint32_t words[static 64])
{
    for (size_t i = 0; i < 16; i++)
        words[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
                   (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + words[i - 7] +
                   (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

/* FIPS 180-4 §6.2.2, one block. */
static void compress_one(uint32_t state[static 8], const uint8_t *block)
{
    uint32_t words[64], s[8];
    expand(block, words);
    memcpy(s, state, sizeof s);
    for (size_t i = 0; i < 64; i++) {
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice +
                       constants[i] + words[i];
        uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += s[i];
}

static void compress_plain(uint32_t state[static 8], const uint8_t *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        compress_one(state, blocks + i * 64);
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Four rounds with the words in `w` (Intel SHA Extensions: state as ABEF and CDGH). */
#define FOUR_ROUNDS(w, i)                                                                          \
    do {                                                                                           \
        __m128i sum = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(constants + (i))));       \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                             \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));                    \
    } while (0)

__attribute__((target("sha,sse4.1,ssse3"))) static void
compress_sha_ni(uint32_t state[static 8], const uint8_t *blocks, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; count; count--, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + i * 16)), swap);
            FOUR_ROUNDS(w[i], i * 4);
        }
#pragma GCC unroll 12
        for (size_t i = 4; i < 16; i++) {
            __m128i *first = &w[i % 4], last = w[(i + 3) % 4];
            *first = _mm_sha256msg1_epu32(*first, w[(i + 1) % 4]);
            *first = _mm_add_epi32(*first, _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
            *first = _mm_sha256msg2_epu32(*first, last);
            FOUR_ROUNDS(*first, i * 4);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

static bool has_sha_ni(void)
{
    unsigned a, b = 0, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) &&
           __builtin_cpu_supports("sse4.1");
}

static void compress(struct sha256 *sha, const uint8_t *blocks, size_t count)
{
    if (sha->fast)
        compress_sha_ni(sha->state, blocks, count);
    else
        compress_plain(sha->state, blocks, count);
}
#else
static bool has_sha_ni(void)
{
    return false;
}

static void compress(struct sha256 *sha, const uint8_t *blocks, size_t count)
{
    compress_plain(sha->state, blocks, count);
}
#endif

void sha256_start(struct sha256 *sha)
{
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *sha = (struct sha256){.fast = has_sha_ni()};
    memcpy(sha->state, initial, sizeof initial);
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t held = sha->bytes % 64;
    sha->bytes += length;
    if (held && held + length >= 64) {
        memcpy(sha->block + held, at, 64 - held);
        compress(sha, sha->block, 1);
        at += 64 - held;
        length -= 64 - held;
        held = 0;
    }
    if (!held && length >= 64) {
        compress(sha, at, length / 64);
        at += length / 64 * 64;
        length %= 64;
    }
    if (length)
        memcpy(sha->block + held, at, length);
}

void sha256_end(struct sha256 *sha, uint8_t digest[static 32])
{
    static const uint8_t padding[64] = {0x80};
    uint8_t bits[8];
    for (size_t i = 0; i < 8; i++)
        bits[i] = (uint8_t)(sha->bytes * 8 >> (56 - i * 8));
    size_t held = sha->bytes % 64;
    sha256_add(sha, padding, held < 56 ? 56 - held : 120 - held);
    sha256_add(sha, bits, sizeof bits);
    for (size_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - i % 4 * 8));
}

void sha256_of(const void *bytes, size_t length, uint8_t digest[static 32])
{
    struct sha256 sha;
    sha256_start(&sha);
    sha256_add(&sha, bytes, length);
    sha256_end(&sha, digest);
}
