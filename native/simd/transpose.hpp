// Rows of a few numbers to registers of one number each, and back.
//
// A register takes in four numbers of one row in each of its pieces of 16 bytes; four such
// registers, transposed within their pieces, are four columns of as many rows as a register
// has lanes. The same transposition leads back.
#pragma once

#include "simd/vector.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace cnn::CNN_LEVEL {

template <class T> struct FourColumns {
    Vector<T> of[4];
};

#if defined(__SSE2__)
// The first n of four numbers, the others zero; memory behind them is not touched.
template <int n> CNN_INLINE __m128 load_four(const float* p) {
    if constexpr (n == 4) return _mm_loadu_ps(p);
    else if constexpr (n == 1) return _mm_load_ss(p);
    else {
        const __m128 two = _mm_castpd_ps(_mm_load_sd(reinterpret_cast<const double*>(p)));
        if constexpr (n == 2) return two;
        else return _mm_movelh_ps(two, _mm_load_ss(p + 2));
    }
}

template <int n> CNN_INLINE void store_four(float* p, __m128 v) {
    if constexpr (n == 4) _mm_storeu_ps(p, v);
    else if constexpr (n == 1) _mm_store_ss(p, v);
    else {
        _mm_storel_pi(reinterpret_cast<__m64*>(p), v);
        if constexpr (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
    }
}

// Transposed within the pieces of 16 bytes.
CNN_INLINE void transpose_pieces(Vector<float>* v) {
#if defined(__AVX512F__)
    const __m512 a = (__m512)v[0], b = (__m512)v[1], c = (__m512)v[2], d = (__m512)v[3];
    const __m512d ab = (__m512d)_mm512_unpacklo_ps(a, b), AB = (__m512d)_mm512_unpackhi_ps(a, b);
    const __m512d cd = (__m512d)_mm512_unpacklo_ps(c, d), CD = (__m512d)_mm512_unpackhi_ps(c, d);
    v[0] = (Vector<float>)_mm512_unpacklo_pd(ab, cd);
    v[1] = (Vector<float>)_mm512_unpackhi_pd(ab, cd);
    v[2] = (Vector<float>)_mm512_unpacklo_pd(AB, CD);
    v[3] = (Vector<float>)_mm512_unpackhi_pd(AB, CD);
#elif defined(__AVX2__)
    const __m256 a = (__m256)v[0], b = (__m256)v[1], c = (__m256)v[2], d = (__m256)v[3];
    const __m256d ab = (__m256d)_mm256_unpacklo_ps(a, b), AB = (__m256d)_mm256_unpackhi_ps(a, b);
    const __m256d cd = (__m256d)_mm256_unpacklo_ps(c, d), CD = (__m256d)_mm256_unpackhi_ps(c, d);
    v[0] = (Vector<float>)_mm256_unpacklo_pd(ab, cd);
    v[1] = (Vector<float>)_mm256_unpackhi_pd(ab, cd);
    v[2] = (Vector<float>)_mm256_unpacklo_pd(AB, CD);
    v[3] = (Vector<float>)_mm256_unpackhi_pd(AB, CD);
#else
    __m128 a = (__m128)v[0], b = (__m128)v[1], c = (__m128)v[2], d = (__m128)v[3];
    _MM_TRANSPOSE4_PS(a, b, c, d);
    v[0] = (Vector<float>)a, v[1] = (Vector<float>)b;
    v[2] = (Vector<float>)c, v[3] = (Vector<float>)d;
#endif
}

// n numbers of each of four-lane pieces' rows, `step` apart.
template <int n> CNN_INLINE Vector<float> load_pieces(const float* p, [[maybe_unused]] std::ptrdiff_t step) {
#if defined(__AVX512F__)
    __m512 v = _mm512_castps128_ps512(load_four<n>(p));
    v = _mm512_insertf32x4(v, load_four<n>(p + step), 1);
    v = _mm512_insertf32x4(v, load_four<n>(p + 2 * step), 2);
    return (Vector<float>)_mm512_insertf32x4(v, load_four<n>(p + 3 * step), 3);
#elif defined(__AVX2__)
    const __m256 v = _mm256_castps128_ps256(load_four<n>(p));
    return (Vector<float>)_mm256_insertf128_ps(v, load_four<n>(p + step), 1);
#else
    return (Vector<float>)load_four<n>(p);
#endif
}

template <int n> CNN_INLINE void store_pieces(float* p, [[maybe_unused]] std::ptrdiff_t step,
                             Vector<float> v) {
#if defined(__AVX512F__)
    store_four<n>(p, _mm512_castps512_ps128((__m512)v));
    store_four<n>(p + step, _mm512_extractf32x4_ps((__m512)v, 1));
    store_four<n>(p + 2 * step, _mm512_extractf32x4_ps((__m512)v, 2));
    store_four<n>(p + 3 * step, _mm512_extractf32x4_ps((__m512)v, 3));
#elif defined(__AVX2__)
    store_four<n>(p, _mm256_castps256_ps128((__m256)v));
    store_four<n>(p + step, _mm256_extractf128_ps((__m256)v, 1));
#else
    store_four<n>(p, (__m128)v);
#endif
}
#endif

// n <= 4 columns of `rows` rows that lie `step` apart; lanes beyond the rows are not defined.
template <class T, int n>
CNN_INLINE FourColumns<T> load_columns(const T* from, std::ptrdiff_t step, int rows) {
    FourColumns<T> columns;
#if defined(__SSE2__)
    if constexpr (sizeof(T) == 4)
        if (rows == lanes<T>) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; ++r)
                columns.of[r] = load_pieces<n>(from + r * step, 4 * step);
            transpose_pieces(columns.of);
            return columns;
        }
#endif
    T numbers[n][lanes<T>];
    for (int r = 0; r < lanes<T>; ++r)
        for (int k = 0; k < n; ++k) numbers[k][r] = from[(r < rows ? r : rows - 1) * step + k];
    for (int k = 0; k < n; ++k) columns.of[k] = load(numbers[k]);
    return columns;
}

template <class T, int n>
CNN_INLINE void store_columns(T* to, std::ptrdiff_t step, int rows, FourColumns<T> columns) {
#if defined(__SSE2__)
    if constexpr (sizeof(T) == 4)
        if (rows == lanes<T>) {
            transpose_pieces(columns.of);
#pragma GCC unroll 4
            for (int r = 0; r < 4; ++r) store_pieces<n>(to + r * step, 4 * step, columns.of[r]);
            return;
        }
#endif
    T numbers[n][lanes<T>];
    for (int k = 0; k < n; ++k) store(numbers[k], columns.of[k]);
    for (int r = 0; r < rows; ++r)
        for (int k = 0; k < n; ++k) to[r * step + k] = numbers[k][r];
}

}  // namespace cnn::CNN_LEVEL
