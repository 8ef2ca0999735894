// What a kernel does with single lanes: comparisons as bits, the first n lanes, numbers
// taken apart. All of it works for every width; see simd/vector.hpp.
#pragma once

#include "simd/vector.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace cnn::CNN_LEVEL {

// One bit a lane of a comparison, the first lane lowest.
template <class T> CNN_INLINE std::uint64_t bits_of(Integers<T> comparison) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_movepi32_mask((__m512i)comparison);
    else return _mm512_movepi64_mask((__m512i)comparison);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_movemask_ps((__m256)comparison);
    else return _mm256_movemask_pd((__m256d)comparison);
#elif defined(__SSE2__)
    if constexpr (sizeof(T) == 4) return _mm_movemask_ps((__m128)comparison);
    else return _mm_movemask_pd((__m128d)comparison);
#else
    std::uint64_t bits = 0;
    for (int i = 0; i < lanes<T>; ++i) bits |= std::uint64_t(comparison[i] & 1) << i;
    return bits;
#endif
}

template <class T> CNN_INLINE Integers<T> lane_numbers() {
    Integers<T> numbers;
    for (int i = 0; i < lanes<T>; ++i) numbers[i] = i;
    return numbers;
}

// All ones in the first n lanes.
template <class T> CNN_INLINE Integers<T> first_lanes(int n) { return lane_numbers<T>() < n; }

// The numbers where the bit is 0, and 0 where it is 1.
template <class T> CNN_INLINE Vector<T> cleared(Vector<T> v, std::uint64_t bits) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (Vector<T>)_mm512_maskz_mov_ps(static_cast<__mmask16>(~bits), (__m512)v);
    else
        return (Vector<T>)_mm512_maskz_mov_pd(static_cast<__mmask8>(~bits), (__m512d)v);
#else
    const Integers<T> one_bit = (Integers<T>{} + 1) << lane_numbers<T>();
    using Lane = decltype(one_bit[0] + 0);
    const Integers<T> all = Integers<T>{} + static_cast<Lane>(bits & ((1u << lanes<T>) - 1));
    return (all & one_bit) == 0 ? v : Vector<T>{};
#endif
}

// Small integers, one a lane: bytes or 32 bits in memory. GCC 12 takes bytes apart one by
// one where it converts vectors; on AVX-512 that made max_pool2d's backward 3 times slower.
// (Forms with a mask of ones: GCC 12 warns of its own definitions of the others.)
template <class T, class Small> struct SmallOf {
    typedef Small type __attribute__((vector_size(lanes<T> * sizeof(Small))));
};

template <class T, class Small> CNN_INLINE Integers<T> load_small(const Small* from) {
#if defined(__AVX512F__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4)
        return (Integers<T>)_mm512_maskz_cvtepu8_epi32(0xffff,
                                                       _mm_loadu_si128((const __m128i*)from));
    else if constexpr (sizeof(Small) == 1)
        return (Integers<T>)_mm512_maskz_cvtepu8_epi64(0xff, _mm_loadl_epi64((const __m128i*)from));
    else
#elif defined(__AVX2__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4)
        return (Integers<T>)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
    else if constexpr (sizeof(Small) == 1)
        return (Integers<T>)_mm256_cvtepu8_epi64(_mm_loadu_si32(from));
    else
#elif defined(__SSE2__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4) {
        const __m128i zero = _mm_setzero_si128();
        const __m128i pairs = _mm_unpacklo_epi8(_mm_loadu_si32(from), zero);
        return (Integers<T>)_mm_unpacklo_epi16(pairs, zero);
    } else
#endif
    {
        typename SmallOf<T, Small>::type packed;
        __builtin_memcpy(&packed, from, sizeof packed);
        return __builtin_convertvector(packed, Integers<T>);
    }
}

template <class T, class Small> CNN_INLINE Integers<T> load_first_small(const Small* from, int n) {
    Integers<T> numbers = {};
    for (int k = 0; k < n; ++k) numbers[k] = from[k];
    return numbers;
}

template <class T, class Small> CNN_INLINE void store_small(Small* to, Integers<T> numbers) {
#if defined(__AVX512F__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4)
        _mm_storeu_si128((__m128i*)to, _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)numbers));
    else if constexpr (sizeof(Small) == 1)
        _mm_storel_epi64((__m128i*)to, _mm512_maskz_cvtepi64_epi8(0xff, (__m512i)numbers));
    else
#elif defined(__AVX2__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4) {
        const __m256i all = (__m256i)numbers;
        const __m128i pairs =
            _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        _mm_storel_epi64((__m128i*)to, _mm_packus_epi16(pairs, pairs));
    } else
#elif defined(__SSE2__)
    if constexpr (sizeof(Small) == 1 && sizeof(T) == 4) {
        const __m128i pairs = _mm_packs_epi32((__m128i)numbers, (__m128i)numbers);
        _mm_storeu_si32(to, _mm_packus_epi16(pairs, pairs));
    } else
#endif
    {
        using Packed = typename SmallOf<T, Small>::type;
        const Packed packed = __builtin_convertvector(numbers, Packed);
        __builtin_memcpy(to, &packed, sizeof packed);
    }
}

template <class T> CNN_INLINE Vector<T> magnitude(Vector<T> v) {
    const Vector<T> minus_zero = -Vector<T>{};
    return (Vector<T>)((Integers<T>)v & ~(Integers<T>)minus_zero);
}

template <class T> CNN_INLINE Vector<T> with_sign_of(Vector<T> positive, Vector<T> v) {
    const Vector<T> minus_zero = -Vector<T>{};
    return (Vector<T>)((Integers<T>)positive | ((Integers<T>)v & (Integers<T>)minus_zero));
}

// The larger of two; b where a is NaN.
template <class T> CNN_INLINE Vector<T> larger(Vector<T> a, Vector<T> b) { return a > b ? a : b; }

template <class T> CNN_INLINE T largest_lane(Vector<T> v) {
    T lane[lanes<T>];
    store(lane, v);
    for (int width = lanes<T> / 2; width; width /= 2)
        for (int i = 0; i < width; ++i)
            lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
    return lane[0];
}

template <class T> CNN_INLINE Vector<T> square_root(Vector<T> v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return (Vector<T>)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
    else return (Vector<T>)_mm512_maskz_sqrt_pd(0xff, (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return (Vector<T>)_mm256_sqrt_ps((__m256)v);
    else return (Vector<T>)_mm256_sqrt_pd((__m256d)v);
#elif defined(__SSE2__)
    if constexpr (sizeof(T) == 4) return (Vector<T>)_mm_sqrt_ps((__m128)v);
    else return (Vector<T>)_mm_sqrt_pd((__m128d)v);
#else
    for (int i = 0; i < lanes<T>; ++i) v[i] = __builtin_sqrt(v[i]);
    return v;
#endif
}

// Whether lanes of two registers are brought together by one instruction.
constexpr bool permutes_two_registers = CNN_VECTOR_BYTES == 64;

// Of the lanes of a and then of b, those that `from` names.
template <class T> CNN_INLINE Vector<T> chosen_lanes(Vector<T> a, Vector<T> b, Integers<T> from) {
#if defined(__clang__)
    Vector<T> v;
    for (int i = 0; i < lanes<T>; ++i)
        v[i] = from[i] < lanes<T> ? a[from[i]] : b[from[i] - lanes<T>];
    return v;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

// As many rows as a register has lanes become as many columns: blocks of 1, 2, 4, ... lanes
// change places across the diagonal.
template <class T, int block = 1> CNN_INLINE void transpose(Vector<T>* rows) {
    if constexpr (block < lanes<T>) {
        const Integers<T> lane = lane_numbers<T>();
        const Integers<T> second = (lane & block) != 0;  // -1 in the second of two blocks
        const Integers<T> low = lane + (second & (lanes<T> - block));
        const Integers<T> high = lane + block + (second & (lanes<T> - block));
#pragma GCC unroll 16
        for (int i = 0; i < lanes<T>; ++i) {
            if (i & block) continue;
            const Vector<T> a = rows[i], b = rows[i + block];
            rows[i] = chosen_lanes<T>(a, b, low);
            rows[i + block] = chosen_lanes<T>(a, b, high);
        }
        transpose<T, 2 * block>(rows);
    }
}

}  // namespace cnn::CNN_LEVEL
