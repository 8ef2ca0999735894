// Softmax and the losses: some rows are an item.
#include "engine/loss.hpp"

#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"
#include "memory/blocks.hpp"

namespace cnn {
namespace {

// An exponential costs as much as moving several numbers.
constexpr Size numbers_at_once = item_numbers / 4;

// work(first, count) over N rows of K numbers.
template <class Work> void for_rows(Size N, Size K, const Work& work) {
    const Size step = std::max(numbers_at_once / std::max(K, Size(1)), Size(1));
    for_items(ceil_div(N, step), N * K * 4, [&](int k, int) {
        work(k * step, std::min(step, N - k * step));
    });
}

// work(start, columns) over columns that lie side by side, `start` the first's first number.
template <class Work> void for_columns(const Classes& c, const Work& work) {
    const Size most = std::max(numbers_at_once / std::max(c.K, Size(1)) / 64, Size(1)) * 64;
    const Size step = std::min(most, c.inner), pieces = step ? ceil_div(c.inner, step) : 0;
    for_items(c.outer * pieces, c.outer * c.K * c.inner * 4, [&](int k, int) {
        const Size outer = k / pieces, first = k % pieces * step;
        work(outer * c.K * c.inner + first, std::min(step, c.inner - first));
    });
}

template <class T> Targets<T> from_row(const Targets<T>& targets, Size row, Size K) {
    return {targets.labels ? targets.labels + row : nullptr,
            targets.probabilities ? targets.probabilities + row * K : nullptr, targets.smoothing};
}

// Runs `work(first, count, losses)` and adds the rows' losses in their order.
template <class Work> double sum_of_losses(Size N, Size K, const Work& work) {
    Workspace losses((N + 1) * sizeof(double));
    double* loss = losses.as<double>();
    for_rows(N, K, [&](Size first, Size count) { work(first, count, loss + first); });
    double total = 0;
    for (Size n = 0; n < N; ++n) total += loss[n];
    return total;
}

}  // namespace

template <class T> void softmax_forward(const Classes& c, const T* x, bool logs, T* out) {
    const auto& kernel = kernels<T>().loss;
    if (c.inner == 1)
        for_rows(c.outer, c.K, [&](Size first, Size count) {
            kernel.softmax_rows(x + first * c.K, count, c.K, logs, out + first * c.K);
        });
    else
        for_columns(c, [&](Size start, Size columns) {
            kernel.softmax_columns(x + start, columns, c.K, c.inner, logs, out + start);
        });
}

template <class T>
void softmax_backward(const Classes& c, const T* dout, const T* out, bool logs, T* dx) {
    const auto& kernel = kernels<T>().loss;
    if (c.inner == 1)
        for_rows(c.outer, c.K, [&](Size first, Size count) {
            kernel.softmax_rows_backward(dout + first * c.K, out + first * c.K, count, c.K, logs,
                                         dx + first * c.K);
        });
    else
        for_columns(c, [&](Size start, Size columns) {
            kernel.softmax_columns_backward(dout + start, out + start, columns, c.K, c.inner, logs,
                                            dx + start);
        });
}

template <class T>
double cross_entropy_forward(Size N, Size K, const T* x, const Targets<T>& targets, T* p) {
    const auto kernel = kernels<T>().loss.cross_entropy;
    return sum_of_losses(N, K, [&](Size first, Size count, double* losses) {
        kernel(x + first * K, from_row(targets, first, K), count, K, p + first * K, losses);
    });
}

template <class T>
void cross_entropy_backward(Size N, Size K, const T* p, const Targets<T>& targets, T share,
                            T* dx) {
    const auto kernel = kernels<T>().loss.cross_entropy_backward;
    for_rows(N, K, [&](Size first, Size count) {
        kernel(p + first * K, from_row(targets, first, K), count, K, share, dx + first * K);
    });
}

template <class T>
double hinge_forward(Size N, Size K, const T* x, const std::int64_t* labels) {
    const auto kernel = kernels<T>().loss.hinge;
    return sum_of_losses(N, K, [&](Size first, Size count, double* losses) {
        kernel(x + first * K, labels + first, count, K, losses);
    });
}

template <class T>
void hinge_backward(Size N, Size K, const T* x, const std::int64_t* labels, T share, T* dx) {
    const auto kernel = kernels<T>().loss.hinge_backward;
    for_rows(N, K, [&](Size first, Size count) {
        kernel(x + first * K, labels + first, count, K, share, dx + first * K);
    });
}

#define CNN_INSTANTIATE(T)                                                                     \
    template void softmax_forward(const Classes&, const T*, bool, T*);                         \
    template void softmax_backward(const Classes&, const T*, const T*, bool, T*);              \
    template double cross_entropy_forward(Size, Size, const T*, const Targets<T>&, T*);        \
    template void cross_entropy_backward(Size, Size, const T*, const Targets<T>&, T, T*);      \
    template double hinge_forward(Size, Size, const T*, const std::int64_t*);                  \
    template void hinge_backward(Size, Size, const T*, const std::int64_t*, T, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
