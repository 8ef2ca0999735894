// Ops that see one entry at a time: ranges of a flat array, none of which knows another.
#include "engine/elementwise.hpp"

#include <cstring>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"

namespace cnn {
namespace {

constexpr Size curve_numbers = item_numbers / 4;  // curves cost more than their memory

}  // namespace

template <class T>
void relu_forward(const T* x, T* out, std::uint64_t* blocked, Size n) {
    const auto kernel = kernels<T>().elementwise.relu;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(x + begin, out + begin, blocked + begin / 64, end - begin);
    });
}

template <class T>
void relu_backward(const T* dout, const std::uint64_t* blocked, T* dx, Size n) {
    const auto kernel = kernels<T>().elementwise.relu_backward;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(dout + begin, blocked + begin / 64, dx + begin, end - begin);
    });
}

template <class T> void relu_mask(const T* dout, const T* out, T* dx, Size n) {
    const auto kernel = kernels<T>().elementwise.relu_mask;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(dout + begin, out + begin, dx + begin, end - begin);
    });
}

template <class T> void add_relu(const T* x, const T* y, T* out, Size n) {
    const auto kernel = kernels<T>().elementwise.add_relu;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(x + begin, y + begin, out + begin, end - begin);
    });
}

template <class T>
void curve_forward(Curve curve, const T* x, T parameter, T* out, Size n) {
    const auto kernel = kernels<T>().elementwise.curves[static_cast<int>(curve)].forward;
    for_ranges(n, curve_numbers, [&](Size begin, Size end) {
        kernel(x + begin, parameter, out + begin, end - begin);
    });
}

template <class T>
void curve_backward(Curve curve, const T* dout, const T* x, T parameter, T* dx, Size n) {
    const auto kernel = kernels<T>().elementwise.curves[static_cast<int>(curve)].backward;
    for_ranges(n, curve_numbers, [&](Size begin, Size end) {
        kernel(dout + begin, x + begin, parameter, dx + begin, end - begin);
    });
}

template <class T> void add(const T* x, const T* y, T* out, Size n) {
    const auto kernel = kernels<T>().elementwise.add;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(x + begin, y + begin, out + begin, end - begin);
    });
}

template <class T> void dropout(const T* x, const bool* mask, T scale, T* out, Size n) {
    const auto kernel = kernels<T>().elementwise.dropout;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(x + begin, mask + begin, scale, out + begin, end - begin);
    });
}

template <class T> void copy(const T* x, T* out, Size n) {
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        std::memcpy(out + begin, x + begin, (end - begin) * sizeof(T));
    });
}

template <class T> double squared_distance(const T* x, const T* y, Size n) {
    const auto kernel = kernels<T>().elementwise.squared_distance;
    std::vector<double> sums(ceil_div(n, item_numbers));
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        sums[begin / item_numbers] = kernel(x + begin, y + begin, end - begin);
    });
    double total = 0;
    for (double sum : sums) total += sum;
    return total;
}

template <class T> void scaled_difference(const T* x, const T* y, T scale, T* out, Size n) {
    const auto kernel = kernels<T>().elementwise.scaled_difference;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(x + begin, y + begin, scale, out + begin, end - begin);
    });
}

#define CNN_INSTANTIATE(T)                                                          \
    template void relu_forward(const T*, T*, std::uint64_t*, Size);                 \
    template void relu_backward(const T*, const std::uint64_t*, T*, Size);          \
    template void relu_mask(const T*, const T*, T*, Size);                          \
    template void add_relu(const T*, const T*, T*, Size);                           \
    template void curve_forward(Curve, const T*, T, T*, Size);                      \
    template void curve_backward(Curve, const T*, const T*, T, T*, Size);           \
    template void add(const T*, const T*, T*, Size);                                \
    template void dropout(const T*, const bool*, T, T*, Size);                      \
    template void copy(const T*, T*, Size);                                         \
    template double squared_distance(const T*, const T*, Size);                     \
    template void scaled_difference(const T*, const T*, T, T*, Size);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
