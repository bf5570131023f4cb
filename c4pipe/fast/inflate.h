/* A gzip member inflated in one go, where zlib would inflate it too.

   Only members without optional header fields are taken (RFC 1952), with the right checksum and size. Of deflate (RFC
   1951) all is taken that zlib takes, and nothing else; its rules beyond the RFC are those of inflate.c and inftrees.c
   (zlib 1.2.13), for members as large as the caller takes: no more than 286 codes of literals and lengths and 30 of
   distances, an end of block among them, a complete code of code lengths, and complete codes of the others but for one
   code of one bit, or no distance at all.
   So what is refused here may be sound, and zlib is asked; what is taken is what zlib would have given.

   Why no read and no write is out of bounds. Eight bytes are read only where eight are left; behind the last byte zeros
   are read, at most eight of them, and if one of their bits was used the member is refused. What is written goes on
   while no more than ``most`` bytes are there; one turn of the loop writes at most 3 literals, a match of 258 and the
   15 bytes by which its last piece may be too long, and INFLATE_SLACK is more. A distance is no more than what was
   written. Tables: a subtable of 2^k places has at least k+1 codes, so their places are at most 16/5 of the 288 codes
   of literals (k <= 15-11) and 128/8 of the 32 of distances (k <= 15-8). */
#ifndef C4PIPE_INFLATE_H
#define C4PIPE_INFLATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crc32.h"
#include "processor.h"

enum {
    INFLATE_SLACK = 320, /* bytes behind ``most`` that may be written */
    GZIP_HEADER = 10,
    GZIP_TRAILER = 8,
    CODE_BITS_MAX = 15,
    LITERAL_ROOT = 11, /* bits looked up at once */
    DISTANCE_ROOT = 8,
    LITERAL_PLACES = (1 << LITERAL_ROOT) + 288 * 16 / 5 + 1,
    DISTANCE_PLACES = (1 << DISTANCE_ROOT) + 32 * 128 / 8,
    FIXED_LITERALS = 288,
    FIXED_DISTANCES = 32,
    LITERALS_MAX = 286, /* codes of a block */
    DISTANCES_MAX = 30,
    LENGTH_CODES = 19,
    LENGTH_ROOT = 7,
    END_OF_BLOCK = 256
};

/* An entry of a table says what a code means: in its lowest byte the bits to drop, those of the code and the extra ones
   behind it; in the next those of the code alone; above them the literal, or the least length or distance. */
#define ENTRY_LITERAL 0x80000000u
#define ENTRY_OTHER 0x8000u /* neither literal nor match */
#define ENTRY_TABLE 0x4000u /* one of the others: there is a subtable, of as many bits as bits 8 to 11 say */
#define ENTRY_END 0x2000u   /* one of the others */
#define ENTRY_NONE ENTRY_OTHER

/* RFC 1951, sections 3.2.5 and 3.2.7. Extra bits of distances follow from the symbol. */
static const uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                         33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                         1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t length_order[LENGTH_CODES] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

/* Tables of codes, and what each symbol means, an entry without the bits of its code. */
typedef struct {
    uint32_t literals[LITERAL_PLACES], distances[DISTANCE_PLACES], lengths[1 << LENGTH_ROOT];
    uint32_t literal_means[FIXED_LITERALS], distance_means[FIXED_DISTANCES], length_means[LENGTH_CODES];
    int fixed;  /* the tables are those of the fixed codes */
    int shifts; /* the processor has BMI2 */
} Inflater;

#if defined(_MSC_VER)
#define INFLATE_INLINE static __forceinline
static __inline int highest_bit(uint32_t bits) {
    unsigned long at;
    _BitScanReverse(&at, bits);
    return (int)at;
}
#else
#define INFLATE_INLINE static inline __attribute__((always_inline))
#define highest_bit(bits) (31 - __builtin_clz(bits))
#endif

/* Write the table of ``bits - 1`` bits once more behind itself: it is one of ``bits`` bits. */
static inline void twice(uint32_t *table, int bits) {
    memcpy(table + (1u << (bits - 1)), table, sizeof(*table) << (bits - 1));
}

/* The code behind a code that is not all ``ones``: one more, its bits in reverse. */
static inline uint32_t next_code(uint32_t code, uint32_t ones) {
    uint32_t bit = 1u << highest_bit(code ^ ones);
    return (code & (bit - 1)) | bit;
}

/* Make the table of a code from the lengths of its symbols; 0 if zlib refuses them. Codes are counted up with their
   bits in reverse, as they are looked up: so the table of one bit more is the table twice, and then the codes of as
   many bits. */
static int make_table(
    uint32_t *table, int root, const uint8_t *lengths, int symbols, const uint32_t *means, int partial) {
    uint16_t count[CODE_BITS_MAX + 1] = {0}, next[CODE_BITS_MAX + 2], sorted[FIXED_LITERALS];
    const uint16_t *symbol = sorted;
    uint32_t code = 0, i;
    uint32_t end = 1u << root, sub = 0, prefix = ~0u;
    int length, left = 1, sub_bits = 0;
    for (i = 0; i < (uint32_t)symbols; i++) count[lengths[i]]++;
    for (length = 1; length <= CODE_BITS_MAX; length++) {
        left = 2 * left - count[length];
        if (left < 0) return 0;
    }
    if (left > 0) { /* one code of one bit, or none */
        if (!partial || count[0] + count[1] != symbols || count[1] > 1) return 0;
        for (i = 0; i < end; i++) table[i] = ENTRY_NONE;
        if (!count[1]) return 1;
        while (!lengths[sub]) sub++;
        for (i = 0; i < end; i += 2) table[i] = means[sub] + 0x101;
        return 1;
    }
    next[1] = 0;
    for (length = 1; length <= CODE_BITS_MAX; length++) next[length + 1] = (uint16_t)(next[length] + count[length]);
    for (i = 0; i < (uint32_t)symbols; i++) {
        if (lengths[i]) sorted[next[lengths[i]]++] = (uint16_t)i;
    }
    for (length = 1; length <= root; length++) {
        uint32_t ones = (1u << length) - 1, bits = 0x101u * (uint32_t)length;
        twice(table, length);
        for (i = count[length]; i; i--) {
            table[code] = means[*symbol++] + bits;
            if (code == ones) { /* it was the last */
                while (++length <= root) twice(table, length);
                return 1;
            }
            code = next_code(code, ones);
        }
    }
    for (length = root + 1; length <= CODE_BITS_MAX; length++) {
        uint32_t ones = (1u << length) - 1, bits = 0x101u * (uint32_t)(length - root);
        for (; count[length]; count[length]--) {
            if ((code & ((1u << root) - 1)) != prefix) {
                int used;
                prefix = code & ((1u << root) - 1);
                sub = end;
                sub_bits = length - root;
                used = count[length];
                while (used < 1 << sub_bits) {
                    sub_bits++;
                    used = 2 * used + count[root + sub_bits];
                }
                end += 1u << sub_bits;
                table[prefix] = sub << 16 | ENTRY_OTHER | ENTRY_TABLE | (uint32_t)sub_bits << 8 | (uint32_t)root;
            }
            for (i = code >> root; i < 1u << sub_bits; i += 1u << (length - root)) {
                table[sub + i] = means[*symbol] + bits;
            }
            symbol++;
            if (code == ones) return 1;
            code = next_code(code, ones);
        }
    }
    return 1;
}

INFLATE_INLINE uint64_t little_64(const uint8_t *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline uint32_t little_32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bits to come, the next lowest; at least 56 of them once filled. Above ``count`` may stand what is read again. */
typedef struct {
    const uint8_t *at, *end;
    uint64_t bits;
    uint32_t count, zeros; /* bytes of zeros read behind the end */
} Bits;

INFLATE_INLINE int bits_fill(Bits *b) {
    if (b->end - b->at >= 8) {
        b->bits |= little_64(b->at) << b->count;
        b->at += (63 - b->count) >> 3;
        b->count |= 56;
        return 1;
    }
    while (b->count < 56) {
        if (b->at < b->end) b->bits |= (uint64_t)*b->at++ << b->count;
        else if (++b->zeros > 8) return 0;
        b->count += 8;
    }
    return 1;
}

INFLATE_INLINE void bits_drop(Bits *b, uint32_t count) {
    b->bits >>= count;
    b->count -= count;
}

static inline uint32_t bits_take(Bits *b, uint32_t count) {
    uint32_t taken = (uint32_t)b->bits & ((1u << count) - 1);
    bits_drop(b, count);
    return taken;
}

/* Go back to the byte behind the last one of which a bit was used; 0 if that is behind the end. */
static inline int bits_align(Bits *b) {
    uint32_t unused = b->count >> 3;
    if (unused < b->zeros) return 0;
    b->at -= unused - b->zeros;
    b->bits = b->count = b->zeros = 0;
    return 1;
}

static int read_fixed_codes(Inflater *s) {
    uint8_t lengths[FIXED_LITERALS];
    if (s->fixed) return 1;
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    make_table(s->literals, LITERAL_ROOT, lengths, FIXED_LITERALS, s->literal_means, 0);
    memset(lengths, 5, FIXED_DISTANCES);
    make_table(s->distances, DISTANCE_ROOT, lengths, FIXED_DISTANCES, s->distance_means, 0);
    return s->fixed = 1;
}

static int read_codes(Inflater *s, Bits *b) {
    uint8_t lengths[LITERALS_MAX + DISTANCES_MAX], code_lengths[LENGTH_CODES] = {0};
    int literals, distances, codes, i;
    s->fixed = 0;
    if (!bits_fill(b)) return 0;
    literals = 257 + (int)bits_take(b, 5);
    distances = 1 + (int)bits_take(b, 5);
    codes = 4 + (int)bits_take(b, 4);
    if (literals > LITERALS_MAX || distances > DISTANCES_MAX) return 0;
    for (i = 0; i < codes; i++) {
        if (b->count < 3 && !bits_fill(b)) return 0;
        code_lengths[length_order[i]] = (uint8_t)bits_take(b, 3);
    }
    if (!make_table(s->lengths, LENGTH_ROOT, code_lengths, LENGTH_CODES, s->length_means, 0)) return 0;
    for (i = 0; i < literals + distances;) {
        uint32_t entry, value;
        int times;
        if (b->count < 14 && !bits_fill(b)) return 0;
        entry = s->lengths[b->bits & ((1 << LENGTH_ROOT) - 1)];
        bits_drop(b, entry & 0xFF);
        value = entry >> 16;
        if (value < 16) {
            lengths[i++] = (uint8_t)value;
            continue;
        }
        if (value == 16) {
            if (!i) return 0;
            value = lengths[i - 1];
            times = 3 + (int)bits_take(b, 2);
        } else {
            times = value == 17 ? 3 + (int)bits_take(b, 3) : 11 + (int)bits_take(b, 7);
            value = 0;
        }
        if (i + times > literals + distances) return 0;
        memset(lengths + i, (int)value, (size_t)times);
        i += times;
    }
    return lengths[END_OF_BLOCK] && make_table(s->literals, LITERAL_ROOT, lengths, literals, s->literal_means, 1) &&
           make_table(s->distances, DISTANCE_ROOT, lengths + literals, distances, s->distance_means, 1);
}

/* The low bits of what was there before the bits of an entry were dropped, behind those of its code. */
INFLATE_INLINE uint32_t extra_bits(uint64_t bits, uint32_t entry) {
    return (uint32_t)((bits & (((uint64_t)1 << (entry & 0x3F)) - 1)) >> (entry >> 8 & 0x3F));
}

/* Write what the codes of a block say; NULL if zlib refuses them or they make more than goes up to ``limit``. The entry
   of the next code is looked up before a match is copied, so that the processor need not wait for it. */
INFLATE_INLINE uint8_t *block_of_codes(const Inflater *s, Bits *bits, uint8_t *begin, uint8_t *out, uint8_t *limit) {
    Bits b = *bits;
    uint32_t entry;
    if (!bits_fill(&b)) return NULL;
    entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
    while (out <= limit) { /* 56 bits are there */
        uint32_t length, distance;
        uint64_t before;
        const uint8_t *from;
        uint8_t *to;
        if (entry & ENTRY_LITERAL) {
            *out++ = (uint8_t)(entry >> 16);
            bits_drop(&b, entry & 0xFF);
            entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
            if (entry & ENTRY_LITERAL) {
                *out++ = (uint8_t)(entry >> 16);
                bits_drop(&b, entry & 0xFF);
                entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
                if (entry & ENTRY_LITERAL) {
                    *out++ = (uint8_t)(entry >> 16);
                    bits_drop(&b, entry & 0xFF);
                    if (!bits_fill(&b)) return NULL;
                    entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
                    continue;
                }
            }
        }
        if (entry & ENTRY_OTHER) { /* 22 bits are used, and at most 20 of 34 will be */
            if (entry & ENTRY_TABLE) {
                bits_drop(&b, LITERAL_ROOT);
                entry = s->literals[(entry >> 16) + (b.bits & ((1u << (entry >> 8 & 0xF)) - 1))];
                if (entry & ENTRY_LITERAL) {
                    *out++ = (uint8_t)(entry >> 16);
                    bits_drop(&b, entry & 0xFF);
                    if (!bits_fill(&b)) return NULL;
                    entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
                    continue;
                }
            }
            if (entry & ENTRY_OTHER) {
                if (!(entry & ENTRY_END)) return NULL;
                bits_drop(&b, entry & 0xFF);
                *bits = b;
                return out;
            }
        }
        before = b.bits;
        bits_drop(&b, entry & 0xFF);
        length = (entry >> 16) + extra_bits(before, entry);
        if (b.count < CODE_BITS_MAX + 13 && !bits_fill(&b)) return NULL;
        entry = s->distances[b.bits & ((1 << DISTANCE_ROOT) - 1)];
        if (entry & ENTRY_OTHER) {
            if (!(entry & ENTRY_TABLE)) return NULL;
            bits_drop(&b, DISTANCE_ROOT);
            entry = s->distances[(entry >> 16) + (b.bits & ((1u << (entry >> 8 & 0xF)) - 1))];
            if (entry & ENTRY_OTHER) return NULL;
        }
        before = b.bits;
        bits_drop(&b, entry & 0xFF);
        distance = (entry >> 16) + extra_bits(before, entry);
        if (distance > (size_t)(out - begin) || !bits_fill(&b)) return NULL;
        entry = s->literals[b.bits & ((1 << LITERAL_ROOT) - 1)];
        from = out - distance;
        to = out;
        out += length;
        if (distance >= 16) {
            memcpy(to, from, 16);
            while ((to += 16) < out) memcpy(to, from += 16, 16);
        } else if (distance >= 8) {
            do {
                memcpy(to, from, 8);
                to += 8, from += 8;
            } while (to < out);
        } else {
            do *to++ = *from++;
            while (to < out);
        }
    }
    return NULL;
}

/* The same in two ways: shifts by what a register says are one step each on processors with BMI2. */
#if defined(__x86_64__) && defined(__GNUC__)
#define INFLATE_SHIFTS processor_has(HAS_BITS)
__attribute__((target("bmi2"))) static uint8_t *block_by_shifts(
    const Inflater *s, Bits *b, uint8_t *begin, uint8_t *out, uint8_t *limit) {
    return block_of_codes(s, b, begin, out, limit);
}
#else
#define INFLATE_SHIFTS 0
#define block_by_shifts block_of_codes
#endif

static uint8_t *read_block(const Inflater *s, Bits *b, uint8_t *begin, uint8_t *out, uint8_t *limit) {
    return s->shifts ? block_by_shifts(s, b, begin, out, limit) : block_of_codes(s, b, begin, out, limit);
}

/* Copy a stored block; NULL if it is none. */
static uint8_t *read_stored(Bits *b, uint8_t *out, uint8_t *limit) {
    uint32_t length;
    if (!bits_align(b) || b->end - b->at < 4) return NULL;
    length = b->at[0] | (uint32_t)b->at[1] << 8;
    if (length != (0xFFFF ^ (b->at[2] | (uint32_t)b->at[3] << 8))) return NULL;
    b->at += 4;
    if (length > (size_t)(b->end - b->at) || length > (size_t)(limit - out)) return NULL;
    memcpy(out, b->at, length);
    b->at += length;
    return out + length;
}

static void inflater_begin(Inflater *s) {
    int i;
    for (i = 0; i < FIXED_LITERALS; i++) {
        if (i < END_OF_BLOCK) s->literal_means[i] = ENTRY_LITERAL | (uint32_t)i << 16;
        else if (i == END_OF_BLOCK) s->literal_means[i] = ENTRY_OTHER | ENTRY_END;
        else if (i < LITERALS_MAX) s->literal_means[i] = (uint32_t)length_base[i - 257] << 16 | length_extra[i - 257];
        else s->literal_means[i] = ENTRY_NONE;
    }
    for (i = 0; i < FIXED_DISTANCES; i++) {
        uint32_t extra = i < 2 ? 0 : (uint32_t)i / 2 - 1;
        s->distance_means[i] = i < DISTANCES_MAX ? (uint32_t)distance_base[i] << 16 | extra : ENTRY_NONE;
    }
    for (i = 0; i < LENGTH_CODES; i++) s->length_means[i] = (uint32_t)i << 16;
    s->fixed = 0;
    s->shifts = INFLATE_SHIFTS;
}

/* Inflate the gzip member that begins with the ``size`` bytes at ``in`` to at most ``most`` bytes at ``begin``, where
   INFLATE_SLACK more may be written; how many there are in ``made``. The bytes of the member, 0 if it is not taken. */
static ptrdiff_t inflate_member(
    Inflater *s, const uint8_t *in, ptrdiff_t size, uint8_t *begin, ptrdiff_t most, ptrdiff_t *made) {
    Bits b = {in, in + size, 0, 0, 0};
    uint8_t *out = begin, *limit = begin + most;
    int last;
    if (size < GZIP_HEADER + GZIP_TRAILER || in[0] != 0x1F || in[1] != 0x8B || in[2] != 8 || in[3]) return 0;
    b.at += GZIP_HEADER;
    do {
        int type;
        if (!bits_fill(&b)) return 0;
        last = (int)bits_take(&b, 1);
        type = (int)bits_take(&b, 2);
        if (type == 0) out = read_stored(&b, out, limit);
        else if (type == 3 || !(type == 1 ? read_fixed_codes(s) : read_codes(s, &b))) return 0;
        else out = read_block(s, &b, begin, out, limit);
        if (!out || out > limit) return 0;
    } while (!last);
    if (!bits_align(&b) || b.end - b.at < GZIP_TRAILER) return 0;
    if (little_32(b.at) != crc32_of(begin, out - begin, 256)) return 0;
    if (little_32(b.at + 4) != (uint32_t)(out - begin)) return 0;
    *made = out - begin;
    return b.at + GZIP_TRAILER - in;
}

#endif
