// One step of an optimizer over a flat parameter of n numbers, in place.
#pragma once

#include <cstddef>

namespace cnn {

struct SgdStep {
    double lr, momentum, weight_decay;
    bool nesterov;
};

struct RmspropStep {
    double lr, alpha, eps, momentum, weight_decay;
};

struct AdamStep {
    double lr, beta1, beta2, eps;
    double weight_decay;  // of the parameter in its gradient
    double shrink;        // 1 - lr·weight_decay beside the gradient, for AdamW; else 1
    double bias1, bias2;  // 1 - beta1^t and 1 - beta2^t
};

template <class T> struct StepKernels {
    // velocity may be null where momentum is 0
    void (*sgd)(const SgdStep&, T* value, const T* grad, T* velocity, std::ptrdiff_t n);
    void (*rmsprop)(const RmspropStep&, T* value, const T* grad, T* square, T* velocity,
                    std::ptrdiff_t n);
    void (*adam)(const AdamStep&, T* value, const T* grad, T* mean, T* square, std::ptrdiff_t n);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T> void sgd_step(const SgdStep&, T*, const T*, T*, std::ptrdiff_t);
template <class T> void rmsprop_step(const RmspropStep&, T*, const T*, T*, T*, std::ptrdiff_t);
template <class T> void adam_step(const AdamStep&, T*, const T*, T*, T*, std::ptrdiff_t);

template <class T> constexpr StepKernels<T> step_kernels() {
    return {sgd_step<T>, rmsprop_step<T>, adam_step<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
