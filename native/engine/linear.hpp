// The fully connected layer's passes: matrix products on NumPy's own layouts.
#pragma once

#include "engine/packed_filters.hpp"

namespace cnn {

struct Linear {
    int N, D, M;  // x (N, D), w (M, D), out (N, M)
};

template <class T>
void linear_forward(const Linear&, const T* x, const T* w, const T* b, bool relu, T* out,
                    PackedFilters<T>* kept = nullptr);
template <class T> void linear_input_gradient(const Linear&, const T* dout, const T* w, T* dx);
// dw (M, D) and db (M), each where it is not null.
template <class T>
void linear_parameter_gradients(const Linear&, const T* x, const T* dout, T* dw, T* db);

}  // namespace cnn
