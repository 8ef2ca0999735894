// Steps of the optimizers, as cnnpy.optim writes them.
//
//   SGD       v = momentum·v + g,  w -= lr·v, or with Nesterov lr·(g + momentum·v)
//   RMSprop   s = alpha·s + (1 - alpha)·g²,  w -= lr·g / (√s + eps), perhaps by a velocity
//   Adam      m = b1·m + (1 - b1)·g,  s = b2·s + (1 - b2)·g²,
//             w -= lr/(1 - b1^t) · m / (√s / √(1 - b2^t) + eps)
//
// Plan. One pass over the parameter, its gradient and what is kept of it: memory decides.
#include "kernels/step.hpp"

#include "simd/lanes.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

// f(read, write) over all numbers, a register at a time.
template <class T, class F> CNN_INLINE void over_all(Size n, F f) {
    Size k = 0;
    // main loop
    for (; k + lanes<T> <= n; k += lanes<T>)
        f([=](const T* p) { return load(p + k); },
          [=](T* p, Vector<T> v) { store(p + k, v); });
    // tail
    const int left = static_cast<int>(n - k);
    if (left)
        f([=](const T* p) { return load_first(p + k, left); },
          [=](T* p, Vector<T> v) { store_first(p + k, v, left); });
}

}  // namespace

template <class T>
void sgd_step(const SgdStep& step, T* value, const T* grad, T* velocity, Size n) {
    const T lr = T(step.lr), momentum = T(step.momentum), decay = T(step.weight_decay);
    const bool nesterov = step.nesterov;
    over_all<T>(n, [=](auto read, auto write) CNN_LAMBDA {
        const Vector<T> w = read(value);
        Vector<T> g = read(grad);
        if (decay != 0) g += decay * w;
        if (momentum != 0) {
            const Vector<T> v = momentum * read(velocity) + g;
            write(velocity, v);
            g = nesterov ? g + momentum * v : v;
        }
        write(value, w - lr * g);
    });
}

template <class T>
void rmsprop_step(const RmspropStep& step, T* value, const T* grad, T* square, T* velocity,
                  Size n) {
    const T lr = T(step.lr), alpha = T(step.alpha), rest = T(1 - step.alpha), eps = T(step.eps);
    const T momentum = T(step.momentum), decay = T(step.weight_decay);
    over_all<T>(n, [=](auto read, auto write) CNN_LAMBDA {
        const Vector<T> w = read(value);
        Vector<T> g = read(grad);
        if (decay != 0) g += decay * w;
        const Vector<T> s = alpha * read(square) + rest * g * g;
        write(square, s);
        Vector<T> change = g / (square_root<T>(s) + eps);
        if (momentum != 0) {
            change += momentum * read(velocity);
            write(velocity, change);
        }
        write(value, w - lr * change);
    });
}

template <class T>
void adam_step(const AdamStep& step, T* value, const T* grad, T* mean, T* square, Size n) {
    const T b1 = T(step.beta1), rest1 = T(1 - step.beta1);
    const T b2 = T(step.beta2), rest2 = T(1 - step.beta2);
    const T rate = T(step.lr / step.bias1), inv_root = T(1 / __builtin_sqrt(step.bias2));
    const T eps = T(step.eps), decay = T(step.weight_decay), shrink = T(step.shrink);
    over_all<T>(n, [=](auto read, auto write) CNN_LAMBDA {
        const Vector<T> w = read(value);
        Vector<T> g = read(grad);
        if (decay != 0) g += decay * w;
        const Vector<T> m = b1 * read(mean) + rest1 * g, s = b2 * read(square) + rest2 * g * g;
        write(mean, m);
        write(square, s);
        write(value, w * shrink - rate * (m / (square_root<T>(s) * inv_root + eps)));
    });
}

#define CNN_INSTANTIATE(T)                                                          \
    template void sgd_step(const SgdStep&, T*, const T*, T*, Size);                 \
    template void rmsprop_step(const RmspropStep&, T*, const T*, T*, T*, Size);     \
    template void adam_step(const AdamStep&, T*, const T*, T*, T*, Size);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
