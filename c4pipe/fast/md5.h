/* MD5 (RFC 1321) of many short messages side by side, one a lane of a vector: a message alone leaves a core half idle.

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

#define MD5_F(x, y, z) (z ^ (x & (y ^ z)))
#define MD5_G(x, y, z) (y ^ (z & (x ^ y)))
#define MD5_H(x, y, z) (x ^ y ^ z)
#define MD5_I(x, y, z) (y ^ (x | ~z))
#define MD5_STEP(f, a, b, c, d, k, s, t) \
    a += f(b, c, d) + m[k] + (uint32_t)t; a = (a << s | a >> (32 - s)) + b;
#define MD5_FOUR(f, k0, k1, k2, k3, s0, s1, s2, s3, t0, t1, t2, t3) \
    MD5_STEP(f, a, b, c, d, k0, s0, t0) MD5_STEP(f, d, a, b, c, k1, s1, t1) \
    MD5_STEP(f, c, d, a, b, k2, s2, t2) MD5_STEP(f, b, c, d, a, k3, s3, t3)

#define MD5_ROUNDS \
    MD5_FOUR(MD5_F, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee) \
    MD5_FOUR(MD5_F, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501) \
    MD5_FOUR(MD5_F, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be) \
    MD5_FOUR(MD5_F, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821) \
    MD5_FOUR(MD5_G, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa) \
    MD5_FOUR(MD5_G, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8) \
    MD5_FOUR(MD5_G, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed) \
    MD5_FOUR(MD5_G, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a) \
    MD5_FOUR(MD5_H, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c) \
    MD5_FOUR(MD5_H, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70) \
    MD5_FOUR(MD5_H, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05) \
    MD5_FOUR(MD5_H, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665) \
    MD5_FOUR(MD5_I, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039) \
    MD5_FOUR(MD5_I, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1) \
    MD5_FOUR(MD5_I, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1) \
    MD5_FOUR(MD5_I, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391)

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

/* Word i of each lane's block as vector i. */
#define MD5_LOAD(at, message, lanes) \
    for (int i = 0; i < 16; i++) \
        for (int lane = 0; lane < lanes; lane++) message.w[i][lane] = md5_word(at[lane] + 4 * i);

/* The digests of messages, 16 bytes each. */
#define MD5_MANY(name, attribute, lanes, vector, load) \
    attribute static void name(const md5_message *messages, size_t count, unsigned char *digests) { \
        static const unsigned char nothing[64]; \
        static const uint32_t begin[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}; \
        union { vector v[4]; uint32_t w[4][lanes]; } state; \
        union { vector v[16]; uint32_t w[16][lanes]; } message; \
        const unsigned char *at[lanes]; \
        size_t left[lanes], then[lanes], job[lanes], next = 0, working = 0; /* blocks here, and of the tail then */ \
        for (int lane = 0; lane < lanes; lane++) left[lane] = then[lane] = job[lane] = 0; \
        for (;;) { \
            for (int lane = 0; lane < lanes; lane++) { \
                if (left[lane]) continue; \
                at[lane] = nothing; \
                if (next == count) continue; \
                const md5_message *one = messages + next; \
                for (int i = 0; i < 4; i++) state.w[i][lane] = begin[i]; \
                at[lane] = one->whole_blocks ? one->whole : one->tail; \
                left[lane] = one->whole_blocks ? one->whole_blocks : one->tail_blocks; \
                then[lane] = one->whole_blocks ? one->tail_blocks : 0; \
                job[lane] = next; next++; working++; \
            } \
            if (!working) return; \
            load(at, message, lanes) \
            vector a = state.v[0], b = state.v[1], c = state.v[2], d = state.v[3], *m = message.v; \
            MD5_ROUNDS \
            state.v[0] += a; state.v[1] += b; state.v[2] += c; state.v[3] += d; \
            for (int lane = 0; lane < lanes; lane++) { \
                if (!left[lane]) continue; \
                at[lane] += 64; \
                if (--left[lane]) continue; \
                if (then[lane]) { \
                    at[lane] = messages[job[lane]].tail; left[lane] = then[lane]; then[lane] = 0; \
                    continue; \
                } \
                for (int i = 0; i < 4; i++) md5_put(digests + 16 * job[lane] + 4 * i, state.w[i][lane]); \
                working--; \
            } \
        } \
    }

#if defined(__GNUC__)
typedef uint32_t md5_four __attribute__((vector_size(16)));
MD5_MANY(md5_many_by_four, , 4, md5_four, MD5_LOAD)
#if defined(__x86_64__)
/* Each step of a lane waits for the one before, so there are lanes for two registers, which do not wait for each
   other. The words of as many lanes as a register has are loaded by rows and transposed: loading them one by one would
   take a quarter of all the time. */
typedef uint32_t md5_sixteen __attribute__((vector_size(64)));
typedef uint32_t md5_thirty_two __attribute__((vector_size(128)));

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
    for (int i = 0; i < 16; i++) row[i] = _mm512_loadu_si512(at[i]);
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
#define MD5_TURN_EIGHTS(at, message, lanes) \
    for (int k = 0; k < lanes; k += 8) { \
        md5_turn_eight(at + k, 0, message.w[0] + k, lanes); \
        md5_turn_eight(at + k, 1, message.w[0] + k, lanes); \
    }
#define MD5_TURN_SIXTEENS(at, message, lanes) \
    for (int k = 0; k < lanes; k += 16) md5_turn_sixteen(at + k, message.w[0] + k, lanes);
MD5_MANY(md5_many_by_avx2, __attribute__((target("avx2"))), 16, md5_sixteen, MD5_TURN_EIGHTS)
MD5_MANY(md5_many_by_avx512, __attribute__((target("avx512f"))), 32, md5_thirty_two, MD5_TURN_SIXTEENS)
#endif
/* By the widest vectors that the processor has, of at most so many lanes. */
static void md5_many(const md5_message *messages, size_t count, unsigned char *digests, int at_most) {
#if defined(__x86_64__)
    if (at_most >= 32 && processor_has(HAS_AVX512)) { md5_many_by_avx512(messages, count, digests); return; }
    if (at_most >= 16 && processor_has(HAS_AVX2)) { md5_many_by_avx2(messages, count, digests); return; }
#else
    (void)at_most;
#endif
    md5_many_by_four(messages, count, digests);
}
#else
MD5_MANY(md5_many_by_one, , 1, uint32_t, MD5_LOAD)
static void md5_many(const md5_message *messages, size_t count, unsigned char *digests, int at_most) {
    (void)at_most;
    md5_many_by_one(messages, count, digests);
}
#endif
