// Optimizer steps: ranges of a parameter, none of which knows another.
#include "engine/step.hpp"

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"

namespace cnn {

template <class T>
void sgd_step(const SgdStep& step, T* value, const T* grad, T* velocity, Size n) {
    const auto kernel = kernels<T>().step.sgd;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(step, value + begin, grad + begin, velocity ? velocity + begin : nullptr,
               end - begin);
    });
}

template <class T>
void rmsprop_step(const RmspropStep& step, T* value, const T* grad, T* square, T* velocity,
                  Size n) {
    const auto kernel = kernels<T>().step.rmsprop;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(step, value + begin, grad + begin, square + begin,
               velocity ? velocity + begin : nullptr, end - begin);
    });
}

template <class T>
void adam_step(const AdamStep& step, T* value, const T* grad, T* mean, T* square, Size n) {
    const auto kernel = kernels<T>().step.adam;
    for_ranges(n, item_numbers, [&](Size begin, Size end) {
        kernel(step, value + begin, grad + begin, mean + begin, square + begin, end - begin);
    });
}

#define CNN_INSTANTIATE(T)                                                          \
    template void sgd_step(const SgdStep&, T*, const T*, T*, Size);                 \
    template void rmsprop_step(const RmspropStep&, T*, const T*, T*, T*, Size);     \
    template void adam_step(const AdamStep&, T*, const T*, T*, T*, Size);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
