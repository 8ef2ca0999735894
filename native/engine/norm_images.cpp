// Norms some images at a time: the kernels of engine/norm.cpp on a worker's own images.
#include "engine/norm_images.hpp"

#include "dispatch/dispatch.hpp"

namespace cnn {

// --- sources ----------------------------------------------------------------------------

template <class T> const T* Normalized<T>::all() {
    if (!a_.out) a_.out = room_.all(m_.N);
    norm_apply<T>(m_.all(), a_);
    return a_.out;
}

template <class T> void Normalized<T>::expect(int most, int threads) {
    if (!a_.out) room_.expect(most, threads);
}

template <class T> const T* Normalized<T>::some(int begin, int end, int worker) {
    NormApply<T> own = a_;
    const std::ptrdiff_t first = begin * m_.image();
    own.x += first;
    if (own.residual) own.residual += first;
    own.out = a_.out ? a_.out + first : room_.of(worker);
    kernels<T>().norm.apply(own, 0, (end - begin) * m_.rows, m_.C);
    return own.out;
}

template <class T> const T* NormInputGradients<T>::all() {
    a_.dx = room_.all(m_.N);
    norm_input_gradient<T>(m_.all(), a_, mask_);
    return a_.dx;
}

template <class T> void NormInputGradients<T>::expect(int most, int threads) {
    room_.expect(most, threads);
}

template <class T> const T* NormInputGradients<T>::some(int begin, int end, int worker) {
    NormInputGradient<T> own = a_;
    const std::ptrdiff_t first = begin * m_.image();
    own.from.dout += first;
    own.from.x += first;
    if (own.from.out) own.from.out += first;
    if (own.dresidual) own.dresidual += first;
    own.dx = room_.of(worker);
    kernels<T>().norm.input_gradient(own, mask_, 0, (end - begin) * m_.rows, m_.C);
    return own.dx;
}

// --- sinks ------------------------------------------------------------------------------

template <class T> void Statistics<T>::all_written() {
    norm_statistics<T>(m_.all(), out_, mean_, var_);
}

template <class T> void Statistics<T>::expect(int parts, int most, int threads) {
    n_parts_ = parts, most_ = most;
    parts_ = std::make_unique<NormParts<T>>(parts, m_.C, threads);
}

template <class T> void Statistics<T>::written(int part, int begin, int end, int worker) {
    double* own = parts_->of(part);
    kernels<T>().norm.statistics(out_ + begin * m_.image(), (end - begin) * m_.rows, m_.C,
                                 parts_->workspace(worker), own, own + m_.C);
}

template <class T> void Statistics<T>::finish() {
    auto rows = [&](int k) {
        return (k + 1 < n_parts_ ? most_ : m_.N - k * most_) * m_.rows;
    };
    join_statistics(parts_->of(0), n_parts_, m_.C, rows, out_, mean_, var_);
}

template <class T> void GradientSums<T>::all_written() {
    norm_gradient_sums<T>(m_.all(), a_, mask_, sums_, products_);
}

template <class T> void GradientSums<T>::expect(int parts, int, int threads) {
    n_parts_ = parts;
    parts_ = std::make_unique<NormParts<T>>(parts, m_.C, threads);
}

template <class T> void GradientSums<T>::written(int part, int begin, int end, int worker) {
    double* own = parts_->of(part);
    kernels<T>().norm.gradient_sums(a_, mask_, begin * m_.rows, end * m_.rows, m_.C,
                                    parts_->workspace(worker), own, own + m_.C);
}

template <class T> void GradientSums<T>::finish() {
    join_sums(parts_->of(0), n_parts_, m_.C, sums_, products_);
}

#define CNN_INSTANTIATE(T)                 \
    template class Normalized<T>;          \
    template class NormInputGradients<T>;  \
    template class Statistics<T>;          \
    template class GradientSums<T>;
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
