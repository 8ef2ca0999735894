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
        const __m128 two = _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
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

// n numbers of every fourth of a register's rows, from row r on; beyond the last row, its own.
template <int n> CNN_INLINE Vector<float> load_pieces(const float* p, std::ptrdiff_t step, int r,
                                                      int last) {
    auto row = [&](int k) CNN_LAMBDA { return load_four<n>(p + smaller(r + 4 * k, last) * step); };
#if defined(__AVX512F__)
    __m512 v = _mm512_castps128_ps512(row(0));
    v = _mm512_insertf32x4(v, row(1), 1);
    v = _mm512_insertf32x4(v, row(2), 2);
    return (Vector<float>)_mm512_insertf32x4(v, row(3), 3);
#elif defined(__AVX2__)
    return (Vector<float>)_mm256_insertf128_ps(_mm256_castps128_ps256(row(0)), row(1), 1);
#else
    return (Vector<float>)row(0);
#endif
}

// The same back, but for rows from `rows` on.
template <int n>
CNN_INLINE void store_pieces(float* p, std::ptrdiff_t step, int r, int rows, Vector<float> v) {
    auto row = [&](int k, __m128 four) CNN_LAMBDA {
        if (r + 4 * k < rows) store_four<n>(p + (r + 4 * k) * step, four);
    };
#if defined(__AVX512F__)
    row(0, _mm512_castps512_ps128((__m512)v));
    row(1, _mm512_extractf32x4_ps((__m512)v, 1));
    row(2, _mm512_extractf32x4_ps((__m512)v, 2));
    row(3, _mm512_extractf32x4_ps((__m512)v, 3));
#elif defined(__AVX2__)
    row(0, _mm256_castps256_ps128((__m256)v));
    row(1, _mm256_extractf128_ps((__m256)v, 1));
#else
    row(0, (__m128)v);
#endif
}
#endif

// n <= 4 columns of `rows` rows that lie `step` apart; lanes beyond the rows are not defined.
template <class T, int n>
CNN_INLINE FourColumns<T> load_columns(const T* from, std::ptrdiff_t step, int rows) {
    FourColumns<T> columns;
#if defined(__SSE2__)
    if constexpr (sizeof(T) == 4) {
        const int last = rows - 1;
        auto pieces = [&](int most) CNN_LAMBDA {
#pragma GCC unroll 4
            for (int r = 0; r < 4; ++r) columns.of[r] = load_pieces<n>(from, step, r, most);
        };
        if (rows == lanes<T>) pieces(lanes<T> - 1);
        else pieces(last);
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
    if constexpr (sizeof(T) == 4) {
        transpose_pieces(columns.of);
        auto pieces = [&](int count) CNN_LAMBDA {
#pragma GCC unroll 4
            for (int r = 0; r < 4; ++r) store_pieces<n>(to, step, r, count, columns.of[r]);
        };
        if (rows == lanes<T>) pieces(lanes<T>);
        else pieces(rows);
        return;
    }
#endif
    T numbers[n][lanes<T>];
    for (int k = 0; k < n; ++k) store(numbers[k], columns.of[k]);
    for (int r = 0; r < rows; ++r)
        for (int k = 0; k < n; ++k) to[r * step + k] = numbers[k][r];
}

}  // namespace cnn::CNN_LEVEL
