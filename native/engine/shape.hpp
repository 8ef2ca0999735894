// Entries that only move: layouts, borders, repetition, parts laid side by side.
#pragma once

#include <cstddef>

namespace cnn {

// N matrices of rows by columns, each transposed.
template <class T>
void transpose(std::ptrdiff_t N, std::ptrdiff_t rows, std::ptrdiff_t columns, const T* x, T* out);

enum class Border { constant, reflect, replicate, circular };

struct Images {
    int N, H, W, C;
};

// x (N, H, W, C) with borders; out (N, top + H + bottom, left + W + right, C).
struct Padding {
    int top, bottom, left, right;
    Border border;
};
template <class T>
void pad2d_forward(const Images&, const Padding&, const T* x, T value, T* out);
template <class T> void pad2d_backward(const Images&, const Padding&, const T* dout, T* dx);

// Each pixel becomes scale_h rows of scale_w.
template <class T>
void upsample_forward(const Images&, int scale_h, int scale_w, const T* x, T* out);
template <class T>
void upsample_backward(const Images&, int scale_h, int scale_w, const T* dout, T* dx);

// `rows` rows of `length` numbers from one array into another, at their own steps.
template <class T>
void copy_rows(std::ptrdiff_t rows, std::ptrdiff_t length, const T* from,
               std::ptrdiff_t from_step, T* to, std::ptrdiff_t to_step);

}  // namespace cnn
