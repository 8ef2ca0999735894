// A fully connected layer is a 1×1 convolution over N pixels of D channels.
//
// Its dw is computed transposed, with dout for x and x for dout: the panels then lie along
// D, as the rows of w do, and writing them out is a plain copy.
#include "engine/linear.hpp"

#include "engine/conv2d.hpp"
#include "engine/geometry.hpp"

namespace cnn {
namespace {

Conv2d as_convolution(int pixels, int C, int F) {
    return {1, C, 1, pixels, F, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, pixels};
}

template <class T> void column_sums(const T* a, int rows, int columns, T* sums) {
    // rows in blocks: long sums of one sign would lose digits
    constexpr int block = 64;
    for (int m = 0; m < columns; ++m) sums[m] = 0;
    for (int first = 0; first < rows; first += block) {
        const int last = first + block < rows ? first + block : rows;
        for (int m = 0; m < columns; ++m) {
            T of_block = 0;
            for (int n = first; n < last; ++n) of_block += a[Size(n) * columns + m];
            sums[m] += of_block;
        }
    }
}

}  // namespace

template <class T>
void linear_forward(const Linear& l, const T* x, const T* w, const T* b, bool relu, T* out,
                    PackedFilters<T>* kept) {
    direct_forward<T>(as_convolution(l.N, l.D, l.M), x, w, b, relu, out, kept);
}

template <class T> void linear_input_gradient(const Linear& l, const T* dout, const T* w, T* dx) {
    direct_input_gradient<T>(as_convolution(l.N, l.D, l.M), dout, w, nullptr, dx);
}

template <class T>
void linear_parameter_gradients(const Linear& l, const T* x, const T* dout, T* dw, T* db) {
    const Correlation c = forward_correlation(as_convolution(l.N, l.M, l.D));
    if (dw) filter_gradient<T>(c, dout, x, {0, 1, l.D, 0, 0}, dw, nullptr);
    if (db) column_sums(dout, l.N, l.M, db);
}

#define CNN_INSTANTIATE(T)                                                                   \
    template void linear_forward(const Linear&, const T*, const T*, const T*, bool, T*,      \
                                 PackedFilters<T>*);                                         \
    template void linear_input_gradient(const Linear&, const T*, const T*, T*);              \
    template void linear_parameter_gradients(const Linear&, const T*, const T*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
