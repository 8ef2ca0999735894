// Vector<T>: as many numbers as one register of this instruction-set level holds.
//
// One source serves every level: the file is compiled once a level, with
// CNN_LEVEL (the namespace: baseline, avx2, avx512, neon) and CNN_VECTOR_BYTES set
// by meson.build. Arithmetic is the compiler's own (GCC and Clang vector types),
// and a*b + c is one rounding where the level has fused multiply-add.
//
// Everything here lives inside the level's namespace, and no std:: template is used:
// a template that two levels instantiate under one name could let an old CPU run
// what was compiled for a new one.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define CNN_INLINE inline __attribute__((always_inline))
#define CNN_LAMBDA __attribute__((always_inline))  // a part of the loop around it

namespace cnn::CNN_LEVEL {

template <class T> struct VectorOf;

template <> struct VectorOf<float> {
    typedef float type __attribute__((vector_size(CNN_VECTOR_BYTES)));
    typedef std::int32_t integers __attribute__((vector_size(CNN_VECTOR_BYTES)));
};
template <> struct VectorOf<double> {
    typedef double type __attribute__((vector_size(CNN_VECTOR_BYTES)));
    typedef std::int64_t integers __attribute__((vector_size(CNN_VECTOR_BYTES)));
};

template <class T> using Vector = typename VectorOf<T>::type;
template <class T> using Integers = typename VectorOf<T>::integers;
template <class T> constexpr int lanes = CNN_VECTOR_BYTES / static_cast<int>(sizeof(T));

// Registers decide how large a tile of accumulators may be.
#if defined(__AVX512F__)
constexpr int vector_registers = 32, tile_rows = 14, tile_vectors = 2;  // 28 accumulators
#elif defined(__aarch64__)
constexpr int vector_registers = 32, tile_rows = 6, tile_vectors = 4;   // 24
#else
constexpr int vector_registers = 16, tile_rows = 6, tile_vectors = 2;   // 12
#endif

template <class T> CNN_INLINE Vector<T> load(const T* p) {
    Vector<T> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class T> CNN_INLINE void store(T* p, Vector<T> v) { __builtin_memcpy(p, &v, sizeof v); }

// A CPU does not see what comes where a tile goes over the same numbers again and again.
template <class T> CNN_INLINE void fetch(const T* p, std::ptrdiff_t numbers) {
    constexpr int line = 64 / static_cast<int>(sizeof(T));
    for (std::ptrdiff_t k = 0; k < numbers; k += line) __builtin_prefetch(p + k);
}

// Keeps the compiler from loading a value again at each use, where loads set the pace.
template <class T> CNN_INLINE void keep_in_register(Vector<T>& v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__SSE2__)
    asm("" : "+x"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#endif
}

template <class T> CNN_INLINE Vector<T> broadcast(T value) { return Vector<T>{} + value; }

// The first n numbers, 0 < n <= lanes; the other lanes are zero, their memory is not touched.
template <class T> CNN_INLINE Vector<T> load_first(const T* p, int n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (Vector<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
    else
        return (Vector<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), p);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return (Vector<T>)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane));
    } else {
        const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
        return (Vector<T>)_mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane));
    }
#else
    T lane[lanes<T>] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
#endif
}

template <class T> CNN_INLINE void store_first(T* p, Vector<T> v, int n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), (__m512)v);
    else
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1), (__m512d)v);
#else
    T lane[lanes<T>];
    store(lane, v);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
#endif
}

// Which lanes of memory there are: a register of bits where the level has such, else a count
// of the first lanes. Masked-out lanes are zero, their memory is not touched.
#if defined(__AVX512F__)
template <class T> struct LaneMaskOf {
    using type = __mmask16;
};
template <> struct LaneMaskOf<double> {
    using type = __mmask8;
};
#else
template <class T> struct LaneMaskOf {
    using type = int;
};
#endif
template <class T> using LaneMask = typename LaneMaskOf<T>::type;

template <class T> CNN_INLINE LaneMask<T> lane_mask(int n) {
#if defined(__AVX512F__)
    return static_cast<LaneMask<T>>((1u << n) - 1);
#else
    return n;
#endif
}

template <class T> CNN_INLINE Vector<T> load_masked(const T* p, LaneMask<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return (Vector<T>)_mm512_maskz_loadu_ps(mask, p);
    else return (Vector<T>)_mm512_maskz_loadu_pd(mask, p);
#else
    if (mask == lanes<T>) return load(p);
    return mask ? load_first(p, mask) : Vector<T>{};
#endif
}

template <class T> CNN_INLINE void store_masked(T* p, Vector<T> v, LaneMask<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) _mm512_mask_storeu_ps(p, mask, (__m512)v);
    else _mm512_mask_storeu_pd(p, mask, (__m512d)v);
#else
    if (mask == lanes<T>) store(p, v);
    else if (mask) store_first(p, v, mask);
#endif
}

// NaN goes through, as in np.maximum(x, 0).
template <class T> CNN_INLINE Vector<T> relu(Vector<T> v) { return v < T(0) ? Vector<T>{} : v; }

// As np.minimum(x, ceiling), where NaN goes through too.
template <class T> CNN_INLINE Vector<T> at_most(Vector<T> v, T ceiling) {
    const Vector<T> most = broadcast<T>(ceiling);
    return most < v ? most : v;
}

// Past the caches, to an aligned address: for results that nobody reads before they are
// gone from there. finish_past_caches() makes them visible to other threads.
template <class T> CNN_INLINE void store_past_caches(T* p, Vector<T> v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) _mm512_stream_ps(p, (__m512)v);
    else _mm512_stream_pd(p, (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) _mm256_stream_ps(p, (__m256)v);
    else _mm256_stream_pd(p, (__m256d)v);
#else
    store(p, v);
#endif
}

CNN_INLINE void finish_past_caches() {
#if defined(__AVX2__)
    _mm_sfence();
#endif
}

template <class T> CNN_INLINE T sum_of_lanes(Vector<T> v) {
    // halves added to halves: the same order at every call
    T lane[lanes<T>];
    store(lane, v);
    for (int width = lanes<T> / 2; width; width /= 2)
        for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
    return lane[0];
}

CNN_INLINE int smaller(int a, int b) { return a < b ? a : b; }

// Work that is cut as evenly as it goes into pieces of at most `most`.
struct Pieces {
    int count, size, longer;  // the first `longer` pieces have one more than `size`
    CNN_INLINE Pieces(int total, int most)
        : count((total + most - 1) / most), size(count ? total / count : 0),
          longer(count ? total % count : 0) {}
    CNN_INLINE int length(int k) const { return size + (k < longer); }
    CNN_INLINE int start(int k) const { return k * size + (k < longer ? k : longer); }
};

}  // namespace cnn::CNN_LEVEL
