// What a kernel does with single lanes: comparisons as bits, the first n lanes, numbers
// taken apart. All of it works for every width; see simd/vector.hpp.
#pragma once

#include "simd/vector.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

// A lambda that is part of the loop around it.
#define CNN_INLINE_LAMBDA __attribute__((always_inline))

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

}  // namespace cnn::CNN_LEVEL
