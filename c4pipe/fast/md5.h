/* MD5 (RFC 1321) of many messages side by side, one a lane of a vector: a message alone leaves a core half idle.

   A message is whole blocks of 64 bytes, and its tail: what is left of it, 0x80, zeros, and its bits as eight bytes,
   which is whole blocks, too. */
#include <stdint.h>
#include <string.h>

#include "processor.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint32_t md5_word(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline void md5_put(unsigned char *p, uint32_t w) { memcpy(p, &w, 4); } /* which compilers see in no other way */
#else
static inline void md5_put(unsigned char *p, uint32_t w) {
    p[0] = w & 255; p[1] = w >> 8 & 255; p[2] = w >> 16 & 255; p[3] = w >> 24;
}
#endif

/* What the rounds mix; the half of MD5_G that does not wait for the step before is added first. */
#define MD5_F(x, y, z) (z ^ (x & (y ^ z)))
#define MD5_G(x, y, z) ((x & z) + (y & ~z))
#define MD5_H(x, y, z) (x ^ (y ^ z))
#define MD5_I(x, y, z) (y ^ (x | ~z))
#define MD5_TURN(x, s) (x << s | x >> (32 - s))
#define MD5_STEP(f, turn, a, b, c, d, k, s, t) \
    for (int r = 0; r < registers; r++) { \
        a[r] += m[k][r] + (uint32_t)t; \
        a[r] += f(b[r], c[r], d[r]); \
        a[r] = turn(a[r], s) + b[r]; \
    }
#define MD5_FOUR(f, turn, k0, k1, k2, k3, s0, s1, s2, s3, t0, t1, t2, t3) \
    MD5_STEP(f, turn, a, b, c, d, k0, s0, t0) MD5_STEP(f, turn, d, a, b, c, k1, s1, t1) \
    MD5_STEP(f, turn, c, d, a, b, k2, s2, t2) MD5_STEP(f, turn, b, c, d, a, k3, s3, t3)

#define MD5_ROUNDS(f, g, h, i, turn) \
    MD5_FOUR(f, turn, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee) \
    MD5_FOUR(f, turn, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501) \
    MD5_FOUR(f, turn, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be) \
    MD5_FOUR(f, turn, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821) \
    MD5_FOUR(g, turn, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa) \
    MD5_FOUR(g, turn, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8) \
    MD5_FOUR(g, turn, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed) \
    MD5_FOUR(g, turn, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a) \
    MD5_FOUR(h, turn, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c) \
    MD5_FOUR(h, turn, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70) \
    MD5_FOUR(h, turn, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05) \
    MD5_FOUR(h, turn, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665) \
    MD5_FOUR(i, turn, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039) \
    MD5_FOUR(i, turn, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1) \
    MD5_FOUR(i, turn, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1) \
    MD5_FOUR(i, turn, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391)

/* Take a block into the state, of as many registers as lanes fill. */
#define MD5_BLOCK(vector, state, message, rounds) { \
        vector a[registers], b[registers], c[registers], d[registers], (*m)[registers] = message; \
        memcpy(a, state[0], sizeof(a)); memcpy(b, state[1], sizeof(b)); \
        memcpy(c, state[2], sizeof(c)); memcpy(d, state[3], sizeof(d)); \
        rounds \
        for (int r = 0; r < registers; r++) { \
            state[0][r] += a[r]; state[1][r] += b[r]; state[2][r] += c[r]; state[3][r] += d[r]; \
        } \
    }
#define MD5_PLAIN_ROUNDS MD5_ROUNDS(MD5_F, MD5_G, MD5_H, MD5_I, MD5_TURN)

typedef struct {
    const unsigned char *whole, *tail;
    size_t whole_blocks, tail_blocks;
} md5_message;

/* Make the last `left` bytes of a message of `size` bytes its tail: they lie at `tail`, with room behind them. How many
   blocks it has. */
static size_t md5_pad(unsigned char *tail, size_t left, uint64_t size) {
    size_t padded = (left + 9 + 63) / 64 * 64;
    memset(tail + left, 0, padded - left);
    tail[left] = 0x80;
    md5_put(tail + padded - 8, (uint32_t)(size << 3));
    md5_put(tail + padded - 4, (uint32_t)(size >> 29));
    return padded / 64;
}

enum { MD5_FEW = 2, MD5_LENGTHS = 4096 };

static const uint32_t md5_begin[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

/* Take whole blocks into the state of one message. */
static void md5_alone(uint32_t (*state)[1], const unsigned char *at, size_t blocks) {
    enum { registers = 1 };
    uint32_t words[16][1];
    for (; blocks; blocks--, at += 64) {
        for (int i = 0; i < 16; i++) words[i][0] = md5_word(at + 4 * i);
        MD5_BLOCK(uint32_t, state, words, MD5_PLAIN_ROUNDS)
    }
}

static inline size_t md5_length(const md5_message *message) {
    size_t blocks = message->whole_blocks + message->tail_blocks;
    return blocks < MD5_LENGTHS ? blocks : MD5_LENGTHS;
}

/* The longest first, so that those that are begun last end at about the same time. */
static void md5_order(const md5_message *messages, size_t count, uint32_t *order) {
    uint32_t begins[MD5_LENGTHS + 2];
    size_t most = 0;
    for (size_t i = 0; i < count; i++) most = md5_length(messages + i) > most ? md5_length(messages + i) : most;
    memset(begins, 0, (most + 2) * sizeof(*begins));
    for (size_t i = 0; i < count; i++) begins[most - md5_length(messages + i) + 1]++;
    for (size_t k = 0; k < most; k++) begins[k + 1] += begins[k];
    for (size_t i = 0; i < count; i++) order[begins[most - md5_length(messages + i)]++] = (uint32_t)i;
}

/* Word i of each lane's block as vector i. */
#define MD5_LOAD(at, words, lanes) \
    for (int i = 0; i < 16; i++) \
        for (int lane = 0; lane < lanes; lane++) words[i][lane] = md5_word(at[lane] + 4 * i);

/* The digests of messages, 16 bytes each. A lane takes the next message when its own has ended; one that gets none goes
   on with zeros. The last few, which a lane alone would wait for, are ended one after the other. */
#define MD5_MANY(name, attribute, lanes, vector, rounds, load) \
    attribute static void name( \
        const md5_message *messages, const uint32_t *order, size_t count, unsigned char *digests \
    ) { \
        static const unsigned char nothing[64]; \
        enum { registers = lanes * 4 / sizeof(vector) }; \
        union { vector v[4][registers]; uint32_t w[4][lanes]; } state; \
        union { vector v[16][registers]; uint32_t w[16][lanes]; } message; \
        const unsigned char *at[lanes], *tail[lanes]; /* where the next block is; the tail, before it is begun */ \
        size_t left[lanes], step[lanes], job[lanes], next = 0, working = 0; /* blocks there; 64, or 0 of no message */ \
        memset(&state, 0, sizeof(state)); \
        memset(left, 0, sizeof(left)); \
        for (;;) { \
            size_t blocks = SIZE_MAX; \
            for (int lane = 0; lane < lanes; lane++) { \
                if (left[lane]) continue; \
                at[lane] = nothing; left[lane] = SIZE_MAX; step[lane] = 0; \
                if (next == count) continue; \
                const md5_message *one = messages + order[next]; \
                for (int i = 0; i < 4; i++) state.w[i][lane] = md5_begin[i]; \
                at[lane] = one->whole_blocks ? one->whole : one->tail; \
                left[lane] = one->whole_blocks ? one->whole_blocks : one->tail_blocks; \
                tail[lane] = one->whole_blocks ? one->tail : NULL; \
                step[lane] = 64; job[lane] = order[next]; next++; working++; \
            } \
            if (next == count && working <= MD5_FEW) break; \
            for (int lane = 0; lane < lanes; lane++) blocks = left[lane] < blocks ? left[lane] : blocks; \
            for (int lane = 0; lane < lanes; lane++) left[lane] -= blocks; \
            for (; blocks; blocks--) { \
                load(at, message.w, lanes) \
                for (int lane = 0; lane < lanes; lane++) at[lane] += step[lane]; \
                MD5_BLOCK(vector, state.v, message.v, rounds) \
            } \
            for (int lane = 0; lane < lanes; lane++) { \
                if (!step[lane]) left[lane] = SIZE_MAX; \
                if (left[lane]) continue; \
                if (tail[lane]) { \
                    at[lane] = tail[lane]; left[lane] = messages[job[lane]].tail_blocks; tail[lane] = NULL; \
                    continue; \
                } \
                for (int i = 0; i < 4; i++) md5_put(digests + 16 * job[lane] + 4 * i, state.w[i][lane]); \
                working--; \
            } \
        } \
        for (int lane = 0; lane < lanes; lane++) { \
            if (!step[lane]) continue; \
            uint32_t one[4][1]; \
            for (int i = 0; i < 4; i++) one[i][0] = state.w[i][lane]; \
            md5_alone(one, at[lane], left[lane]); \
            if (tail[lane]) md5_alone(one, tail[lane], messages[job[lane]].tail_blocks); \
            for (int i = 0; i < 4; i++) md5_put(digests + 16 * job[lane] + 4 * i, one[i][0]); \
        } \
    }

#if defined(__GNUC__)
typedef uint32_t md5_four __attribute__((vector_size(16)));
MD5_MANY(md5_many_by_four, , 4, md5_four, MD5_PLAIN_ROUNDS, MD5_LOAD)
#if defined(__x86_64__)
/* Each step of a lane waits for the one before, so there are lanes for some registers, which do not wait for each
   other: by AVX-512 four take hardly longer than one. The words of as many lanes as a register has are loaded by rows
   and transposed: loading them one by one would take a quarter of all the time. */
typedef uint32_t md5_eight __attribute__((vector_size(32)));
typedef uint32_t md5_sixteen __attribute__((vector_size(64)));

/* Half the words of eight of the lanes. */
__attribute__((target("avx2")))
static inline void md5_turn_eight(const unsigned char *const *at, int half, uint32_t *words, int lanes) {
    __m256i row[8], pair[8], four[8];
    for (int i = 0; i < 8; i++) row[i] = _mm256_loadu_si256((const __m256i *)(at[i] + 32 * half));
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            four[i + 2 * j] = _mm256_unpacklo_epi64(pair[i + j], pair[i + j + 2]);
            four[i + 2 * j + 1] = _mm256_unpackhi_epi64(pair[i + j], pair[i + j + 2]);
        }
    }
    words += lanes * 8 * half;
    for (int i = 0; i < 4; i++) {
        uint32_t *low = words + lanes * i, *high = low + lanes * 4;
        _mm256_storeu_si256((__m256i *)low, _mm256_permute2x128_si256(four[i], four[i + 4], 0x20));
        _mm256_storeu_si256((__m256i *)high, _mm256_permute2x128_si256(four[i], four[i + 4], 0x31));
    }
}

/* All words of sixteen of the lanes. */
__attribute__((target("avx512f")))
static inline void md5_turn_sixteen(const unsigned char *const *at, uint32_t *words, int lanes) {
    __m512i row[16], pair[16], four[16];
    for (int i = 0; i < 16; i++) {
        row[i] = _mm512_loadu_si512(at[i]);
        _mm_prefetch((const char *)at[i] + 128, _MM_HINT_T0); /* no processor sees that many streams by itself */
    }
    for (int i = 0; i < 16; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) { /* four[i + k]: of rows i to i + 3 the words k, k + 4, k + 8 and k + 12 */
        for (int j = 0; j < 2; j++) {
            four[i + 2 * j] = _mm512_unpacklo_epi64(pair[i + j], pair[i + j + 2]);
            four[i + 2 * j + 1] = _mm512_unpackhi_epi64(pair[i + j], pair[i + j + 2]);
        }
    }
    for (int k = 0; k < 4; k++) {
        __m512i even[2], odd[2]; /* of eight rows each: the words k and k + 8, and k + 4 and k + 12 */
        for (int j = 0; j < 2; j++) {
            even[j] = _mm512_shuffle_i32x4(four[8 * j + k], four[8 * j + 4 + k], 0x88);
            odd[j] = _mm512_shuffle_i32x4(four[8 * j + k], four[8 * j + 4 + k], 0xDD);
        }
        _mm512_storeu_si512(words + lanes * k, _mm512_shuffle_i32x4(even[0], even[1], 0x88));
        _mm512_storeu_si512(words + lanes * (k + 4), _mm512_shuffle_i32x4(odd[0], odd[1], 0x88));
        _mm512_storeu_si512(words + lanes * (k + 8), _mm512_shuffle_i32x4(even[0], even[1], 0xDD));
        _mm512_storeu_si512(words + lanes * (k + 12), _mm512_shuffle_i32x4(odd[0], odd[1], 0xDD));
    }
}
#define MD5_TURN_EIGHTS(at, words, lanes) \
    for (int k = 0; k < lanes; k += 8) { \
        md5_turn_eight(at + k, 0, words[0] + k, lanes); \
        md5_turn_eight(at + k, 1, words[0] + k, lanes); \
    }
#define MD5_TURN_SIXTEENS(at, words, lanes) \
    for (int k = 0; k < lanes; k += 16) md5_turn_sixteen(at + k, words[0] + k, lanes);

/* The same by one instruction each: the constant has what comes of x, y and z. */
#define MD5_THREE(x, y, z, of) (md5_sixteen)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, of)
#define MD5_WIDE_F(x, y, z) MD5_THREE(x, y, z, 0xCA)
#define MD5_WIDE_G(x, y, z) MD5_THREE(x, y, z, 0xE4)
#define MD5_WIDE_H(x, y, z) MD5_THREE(x, y, z, 0x96)
#define MD5_WIDE_I(x, y, z) MD5_THREE(x, y, z, 0x39)
#define MD5_WIDE_TURN(x, s) (md5_sixteen)_mm512_rol_epi32((__m512i)x, s)
#define MD5_WIDE_ROUNDS MD5_ROUNDS(MD5_WIDE_F, MD5_WIDE_G, MD5_WIDE_H, MD5_WIDE_I, MD5_WIDE_TURN)

MD5_MANY(md5_many_by_avx2, __attribute__((target("avx2"))), 16, md5_eight, MD5_PLAIN_ROUNDS, MD5_TURN_EIGHTS)
MD5_MANY(md5_many_by_avx512, __attribute__((target("avx512f"))), 64, md5_sixteen, MD5_WIDE_ROUNDS, MD5_TURN_SIXTEENS)
#endif
/* By the widest vectors that the processor has, of at most so many lanes; there is room for the order. */
static void md5_many(
    const md5_message *messages, uint32_t *order, size_t count, unsigned char *digests, int at_most
) {
    md5_order(messages, count, order);
#if defined(__x86_64__)
    if (at_most >= 64 && processor_has(HAS_AVX512)) { md5_many_by_avx512(messages, order, count, digests); return; }
    if (at_most >= 16 && processor_has(HAS_AVX2)) { md5_many_by_avx2(messages, order, count, digests); return; }
#else
    (void)at_most;
#endif
    md5_many_by_four(messages, order, count, digests);
}
#else
static void md5_many(
    const md5_message *messages, uint32_t *order, size_t count, unsigned char *digests, int at_most
) {
    (void)order;
    (void)at_most;
    for (size_t n = 0; n < count; n++, messages++, digests += 16) {
        uint32_t state[4][1];
        for (int i = 0; i < 4; i++) state[i][0] = md5_begin[i];
        md5_alone(state, messages->whole, messages->whole_blocks);
        md5_alone(state, messages->tail, messages->tail_blocks);
        for (int i = 0; i < 4; i++) md5_put(digests + 4 * i, state[i][0]);
    }
}
#endif
