// Ops that see one entry at a time, and optimizer steps, against loops.
#include "tests/cases.hpp"

#include "engine/elementwise.hpp"
#include "engine/step.hpp"

namespace cnn::tests {
namespace {

// Around words of 64 entries and registers, and more than one item of a thread.
constexpr Size lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 131, 40003};

// A curve, its slope, and what is rounded on the way to the curve where that is more.
struct Point {
    double value, slope, size;
};

Point point_of(Curve curve, double x, double parameter) {
    const double s = 1 / (1 + std::exp(-x)), t = std::tanh(x);
    const double share = std::erfc(-x * std::sqrt(0.5)) / 2;
    const double bell = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    const double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x), g = std::tanh(inner);
    const double inner_slope = std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    switch (curve) {
        case Curve::relu6: return {std::clamp(x, 0.0, 6.0), x > 0 && x < 6 ? 1.0 : 0.0, 0};
        case Curve::leaky_relu: return {x > 0 ? x : parameter * x, x > 0 ? 1 : parameter, 0};
        case Curve::sigmoid: return {s, s * (1 - s), 0};
        case Curve::tanh: return {t, 1 - t * t, 0};
        case Curve::gelu: return {x * share, share + x * bell, 0};
        case Curve::gelu_tanh:
            return {x * (1 + g) / 2, (1 + g) / 2 + x * (1 - g * g) * inner_slope / 2,
                    std::abs(x)};
        case Curve::silu: return {x * s, s * (1 + x * (1 - s)), 0};
        case Curve::hard_swish:
            return {x * std::clamp(x + 3, 0.0, 6.0) / 6,
                    x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5, std::abs(x)};
    }
    return {};
}

template <class T> void curves(Record& record, Hand& hand, Size n) {
    const char* names[n_curves] = {"relu6", "leaky_relu", "sigmoid", "tanh",
                                   "gelu",  "gelu_tanh",  "silu",    "hard_swish"};
    const auto x = hand.numbers<T>(n, -7, 7), dout = hand.numbers<T>(n);
    const T parameter = T(0.1);
    for (int c = 0; c < n_curves; ++c) {
        const Curve curve = static_cast<Curve>(c);
        Exact out(n), dx(n);
        for (Size k = 0; k < n; ++k) {
            const Point at = point_of(curve, x[k], parameter);
            out.set(k, at.value, std::abs(at.value) + std::abs(x[k] * at.slope) + at.size);
            dx.set(k, dout[k] * at.slope, std::abs(dout[k]) * (1 + std::abs(x[k])));
        }
        std::vector<T> got_out(n), got_dx(n);
        curve_forward<T>(curve, x.data(), parameter, got_out.data(), n);
        curve_backward<T>(curve, dout.data(), x.data(), parameter, got_dx.data(), n);
        record.hold(std::string(names[c]) + " forward", 16, out, got_out);
        record.hold(std::string(names[c]) + " backward", 16, dx, got_dx);
    }
}

template <class T> void plain(Record& record, Hand& hand, Size n) {
    auto x = hand.numbers<T>(n);
    const auto y = hand.numbers<T>(n), dout = hand.numbers<T>(n);
    if (n > 2) x[n / 2] = 0, x[n - 1] = std::numeric_limits<T>::quiet_NaN();
    const T scale = T(1.25);
    std::vector<std::uint64_t> blocked((n + 63) / 64);
    std::vector<T> out(n), dx(n), masked(n), sum(n), sum_cut(n), dropped(n), copied(n), scaled(n);
    std::vector<char> bits(n);
    for (Size k = 0; k < n; ++k) bits[k] = hand.integer(0, 1);
    Exact want_out(n), want_dx(n), want_masked(n), want_sum(n), want_cut(n), want_dropped(n),
        want_copied(n), want_scaled(n);
    for (Size k = 0; k < n; ++k) {
        const double a = x[k], b = y[k];
        want_out.set(k, a < 0 ? 0 : a, 0);
        want_dx.set(k, a <= 0 ? 0 : dout[k], 0);
        want_masked.set(k, y[k] > 0 ? dout[k] : 0, 0);
        want_sum.set(k, x[k] + y[k], 0);  // one rounding: the same bits
        want_cut.set(k, x[k] + y[k] < 0 ? T(0) : x[k] + y[k], 0);
        want_dropped.set(k, bits[k] ? x[k] * scale : T(0), 0);
        want_copied.set(k, a, 0);
        want_scaled.set(k, (a - b) * scale, (std::abs(a) + std::abs(b)) * scale);
    }
    relu_forward<T>(x.data(), out.data(), blocked.data(), n);
    relu_backward<T>(dout.data(), blocked.data(), dx.data(), n);
    relu_mask<T>(dout.data(), y.data(), masked.data(), n);
    add<T>(x.data(), y.data(), sum.data(), n);
    add_relu<T>(x.data(), y.data(), sum_cut.data(), n);
    dropout<T>(x.data(), reinterpret_cast<const bool*>(bits.data()), scale, dropped.data(), n);
    copy<T>(x.data(), copied.data(), n);
    scaled_difference<T>(x.data(), y.data(), scale, scaled.data(), n);
    record.hold("relu forward", 0, want_out, out);
    record.hold("relu backward", 0, want_dx, dx);
    record.hold("relu backward by its output", 0, want_masked, masked);
    record.hold("add", 0, want_sum, sum);
    record.hold("add and relu", 0, want_cut, sum_cut);
    record.hold("dropout", 0, want_dropped, dropped);
    record.hold("copy", 0, want_copied, copied);
    record.hold("mean_squared_error backward", 2, want_scaled, scaled);

    if (n > 2) x[n - 1] = 0;
    Exact distance(1);
    for (Size k = 0; k < n; ++k) distance.add(0, (double(x[k]) - y[k]) * (double(x[k]) - y[k]));
    record.hold("mean_squared_error forward", 8, distance,
                std::vector<T>{T(squared_distance<T>(x.data(), y.data(), n))});
}

template <class T> void steps(Record& record, Hand& hand, Size n) {
    const auto w0 = hand.numbers<T>(n), g = hand.numbers<T>(n);
    const auto v0 = hand.numbers<T>(n), s0 = hand.numbers<T>(n, 0.01, 1);
    auto size = [](auto... terms) { return (std::abs(double(terms)) + ...); };

    for (const SgdStep step : {SgdStep{0.1, 0, 0, false}, SgdStep{0.1, 0.9, 0.01, false},
                               SgdStep{0.1, 0.9, 0, true}}) {
        auto w = w0, v = v0;
        sgd_step<T>(step, w.data(), g.data(), step.momentum != 0 ? v.data() : nullptr, n);
        Exact want_w(n), want_v(n);
        for (Size k = 0; k < n; ++k) {
            const double decayed = g[k] + step.weight_decay * w0[k];
            const double velocity = step.momentum * v0[k] + decayed;
            const double change = step.nesterov ? decayed + step.momentum * velocity : velocity;
            const double sizes = size(g[k], w0[k], v0[k]);
            want_v.set(k, step.momentum != 0 ? velocity : v0[k], sizes);
            want_w.set(k, w0[k] - step.lr * (step.momentum != 0 ? change : decayed),
                       size(w0[k]) + step.lr * sizes);
        }
        record.hold("sgd", 8, want_w, w);
        record.hold("sgd velocity", 8, want_v, v);
    }
    for (const RmspropStep step : {RmspropStep{0.01, 0.99, 1e-8, 0, 0},
                                   RmspropStep{0.01, 0.9, 1e-8, 0.9, 0.01}}) {
        auto w = w0, v = v0, s = s0;
        rmsprop_step<T>(step, w.data(), g.data(), s.data(),
                        step.momentum != 0 ? v.data() : nullptr, n);
        Exact want_w(n), want_s(n);
        for (Size k = 0; k < n; ++k) {
            const double d = g[k] + step.weight_decay * w0[k];
            const double square = step.alpha * s0[k] + (1 - step.alpha) * d * d;
            const double change = d / (std::sqrt(square) + step.eps) + step.momentum * v0[k];
            want_s.set(k, square, size(s0[k], d * d));
            want_w.set(k, w0[k] - step.lr * change, size(w0[k], change, v0[k]));
        }
        record.hold("rmsprop", 8, want_w, w);
        record.hold("rmsprop square", 8, want_s, s);
    }
    for (const AdamStep step : {AdamStep{0.01, 0.9, 0.999, 1e-8, 0, 1, 0.1, 0.001},
                                AdamStep{0.01, 0.8, 0.99, 1e-8, 0.01, 0.999, 0.36, 0.0199}}) {
        auto w = w0, m = v0, s = s0;
        adam_step<T>(step, w.data(), g.data(), m.data(), s.data(), n);
        Exact want_w(n), want_m(n), want_s(n);
        for (Size k = 0; k < n; ++k) {
            const double d = g[k] + step.weight_decay * w0[k];
            const double mean = step.beta1 * v0[k] + (1 - step.beta1) * d;
            const double square = step.beta2 * s0[k] + (1 - step.beta2) * d * d;
            const double rate = step.lr / step.bias1;
            const double root = std::sqrt(square / step.bias2) + step.eps;
            want_m.set(k, mean, size(v0[k], d));
            want_s.set(k, square, size(s0[k], d * d));
            want_w.set(k, w0[k] * step.shrink - rate * mean / root,
                       size(w0[k]) + rate * size(v0[k], d) / root);
        }
        record.hold("adam", 8, want_w, w);
        record.hold("adam mean", 8, want_m, m);
        record.hold("adam square", 8, want_s, s);
    }
}

}  // namespace

template <class T> void elementwise_cases(Record& record) {
    for (Size n : lengths) {
        Hand hand(6000 + n);
        plain<T>(record, hand, n);
        curves<T>(record, hand, n);
        steps<T>(record, hand, n);
    }
}

template void elementwise_cases<float>(Record&);
template void elementwise_cases<double>(Record&);

}  // namespace cnn::tests
