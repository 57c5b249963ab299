#include "keccak.h"

#include <string.h>

enum { rate = 136, lanes = 25, rounds = 24 };

static uint64_t turn(uint64_t lane, unsigned by)
{
    return by ? lane << by | lane >> (64 - by) : lane;
}

static void mix_columns(uint64_t state[static lanes])
{
    uint64_t column[5];
    for (size_t x = 0; x < 5; x++)
        column[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
    for (size_t i = 0; i < lanes; i++)
        state[i] ^= column[(i + 4) % 5] ^ turn(column[(i + 1) % 5], 1);
}

/* Rotate each lane and move it: along the path that visits all places but the first. */
static void scatter(uint64_t state[static lanes])
{
    size_t x = 1, y = 0;
    uint64_t held = state[1];
    for (unsigned step = 1; step <= 24; step++) {
        size_t next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
        uint64_t lane = state[x + 5 * y];
        state[x + 5 * y] = turn(held, step * (step + 1) / 2 % 64);
        held = lane;
    }
}

static void mix_rows(uint64_t state[static lanes])
{
    for (size_t y = 0; y < lanes; y += 5) {
        uint64_t row[5];
        memcpy(row, state + y, sizeof(row));
        for (size_t x = 0; x < 5; x++)
            state[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

/* The round constants are bits of a shift register (FIPS 202, algorithm 5). */
static uint64_t round_constant(uint8_t *shift)
{
    uint64_t constant = 0;
    for (unsigned j = 0; j < 7; j++) {
        if (*shift & 1)
            constant |= 1ULL << ((1U << j) - 1);
        *shift = (uint8_t)(*shift << 1 ^ (*shift & 0x80 ? 0x71 : 0));
    }
    return constant;
}

static void permute(uint64_t state[static lanes])
{
    uint8_t shift = 1;
    for (size_t round = 0; round < rounds; round++) {
        mix_columns(state);
        scatter(state);
        mix_rows(state);
        state[0] ^= round_constant(&shift);
    }
}

void keccak_short(const void *bytes, size_t length, uint8_t digest[static 32])
{
    uint8_t block[rate] = {0};
    uint64_t state[lanes] = {0};
    length = length < rate ? length : rate - 1;
    memcpy(block, bytes, length);
    block[length] = 0x01;
    block[rate - 1] |= 0x80;
    for (size_t i = 0; i < rate; i++)
        state[i / 8] |= (uint64_t)block[i] << (8 * (i % 8));
    permute(state);
    for (size_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(state[i / 8] >> (8 * (i % 8)));
}
