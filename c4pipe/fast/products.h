/* Products of probabilities, languages side by side: by AVX2 where the machine has it, to the same digits. */

#ifndef C4PIPE_PRODUCTS_H
#define C4PIPE_PRODUCTS_H

#define LANES 8 /* languages side by side */
#define STEP 5  /* n-grams between two sums, langdetect */

typedef struct { double sum, greatest; } Total;
typedef Total (*Step)(double *values, double divisor, const double **rows, double weight, int width);

#if defined(__GNUC__)
#define FETCH_EARLY(address) __builtin_prefetch(address)
#else
#define FETCH_EARLY(address) ((void)(address))
#endif

/* Divide, multiply by one row after the other, and sum up from the first to the last: all in one go, as each takes its
   own time. */
static Total step_anywhere(double *values, double divisor, const double **rows, double weight, int width) {
    Total total = {0.0, 0.0};
    double lanes[LANES], greatest[LANES] = {0.0};
    for (int j = 0; j < width; j += LANES) {
        for (int k = 0; k < LANES; k++) lanes[k] = values[j + k] / divisor;
        for (int i = 0; i < STEP; i++)
            for (int k = 0; k < LANES; k++) lanes[k] *= weight + rows[i][j + k];
        for (int k = 0; k < LANES; k++) values[j + k] = lanes[k];
        for (int k = 0; k < LANES; k++) greatest[k] = lanes[k] > greatest[k] ? lanes[k] : greatest[k];
        for (int k = 0; k < LANES; k++) total.sum += lanes[k];
    }
    for (int k = 0; k < LANES; k++) total.greatest = greatest[k] > total.greatest ? greatest[k] : total.greatest;
    return total;
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#include "processor.h"

/* The same, operation by operation; a multiplication and an addition are never one. */
__attribute__((target("avx2")))
static Total step_by_avx2(double *values, double divisor, const double **rows, double weight, int width) {
    Total total = {0.0, 0.0};
    __m256d divisors = _mm256_set1_pd(divisor), weights = _mm256_set1_pd(weight), greatest = _mm256_setzero_pd();
    double most[4];
    for (int j = 0; j < width; j += 4) {
        __m256d four = _mm256_div_pd(_mm256_loadu_pd(values + j), divisors);
        for (int i = 0; i < STEP; i++)
            four = _mm256_mul_pd(four, _mm256_add_pd(weights, _mm256_loadu_pd(rows[i] + j)));
        _mm256_storeu_pd(values + j, four);
        greatest = _mm256_max_pd(four, greatest);
        __m128d low = _mm256_castpd256_pd128(four), high = _mm256_extractf128_pd(four, 1);
        total.sum += _mm_cvtsd_f64(low);
        total.sum += _mm_cvtsd_f64(_mm_unpackhi_pd(low, low));
        total.sum += _mm_cvtsd_f64(high);
        total.sum += _mm_cvtsd_f64(_mm_unpackhi_pd(high, high));
    }
    _mm256_storeu_pd(most, greatest);
    for (int k = 0; k < 4; k++) total.greatest = most[k] > total.greatest ? most[k] : total.greatest;
    return total;
}

static Step step_here(void) { return processor_has(HAS_AVX2) ? step_by_avx2 : step_anywhere; }

#else

static Step step_here(void) { return step_anywhere; }

#endif

#endif
