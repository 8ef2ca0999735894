// Entries that only move: what the kernels are told.
#pragma once

#include <cstddef>

namespace cnn {

// Rows and columns of a result copied from rows and columns of a source: padding,
// repetition. -1 stands for the value.
template <class T> struct Remap {
    int C, W, W_out;
    const int* row_of;     // H_out source rows
    const int* column_of;  // W_out source columns
    T value;
};

// The same the other way: to each source row or column belong the places
// places[starts[k]] .. places[starts[k + 1] - 1] of the result, in their order.
struct Places {
    const int* starts;
    const int* places;
};

struct RemapBack {
    int C, W, W_out;
    Places rows, columns;
};

template <class T> struct ShapeKernels {
    // rows r0 .. r1-1 of a matrix of `rows` by `columns`, transposed
    void (*transpose)(const T* x, std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t r0,
                      std::ptrdiff_t r1, T* out);
    // one row of an image's result, one row of dx
    void (*remap)(const Remap<T>&, const T* x, T* out, int i);
    void (*remap_backward)(const RemapBack&, const T* dout, T* dx, int h);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void transpose(const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, T*);
template <class T> void remap(const Remap<T>&, const T*, T*, int);
template <class T> void remap_backward(const RemapBack&, const T*, T*, int);

template <class T> constexpr ShapeKernels<T> shape_kernels() {
    return {transpose<T>, remap<T>, remap_backward<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
