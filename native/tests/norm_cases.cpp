// Normalisation by channel and by row against loops.
#include "tests/cases.hpp"

#include "engine/norm.hpp"

namespace cnn::tests {
namespace {

template <class T> void by_channel(Record& record, Hand& hand, const ChannelRows& m) {
    const Size C = m.C, n = m.images * m.rows * C, per_channel = m.images * C;
    const auto x = hand.numbers<T>(n, -1, 2), dout = hand.numbers<T>(n);
    const auto residual = hand.numbers<T>(n);
    const auto scale = hand.numbers<T>(per_channel), shift = hand.numbers<T>(per_channel);
    const auto around = hand.numbers<T>(per_channel);
    const auto a = hand.numbers<T>(per_channel), b = hand.numbers<T>(per_channel);
    const auto c = hand.numbers<T>(per_channel);
    auto channel = [&](Size k) { return k / (m.rows * C) * C + k % C; };

    Exact mean(per_channel), var(per_channel);
    for (Size k = 0; k < n; ++k) mean.add(channel(k), x[k] / double(m.rows));
    for (Size k = 0; k < n; ++k) {
        const double d = x[k] - mean.value[channel(k)];
        const double size = std::abs(x[k]) + std::abs(mean.value[channel(k)]);
        var.add(channel(k), d * d / m.rows, size * size / m.rows);
    }
    std::vector<double> got_mean(per_channel), got_var(per_channel);
    norm_statistics<T>(m, x.data(), got_mean.data(), got_var.data());
    // in double, as exact as sums of T are
    record.hold("norm mean", 8, mean, std::vector<T>(got_mean.begin(), got_mean.end()));
    record.hold("norm variance", 8, var, std::vector<T>(got_var.begin(), got_var.end()));

    for (bool with_residual : {false, true})
        for (const Relu<T> relu : {Relu<T>(false), Relu<T>(true), Relu<T>(true, T(0.5))}) {
            Exact out(n);
            for (Size k = 0; k < n; ++k) {
                const Size at = channel(k);
                out.add(k, double(x[k]) * scale[at]);
                out.add(k, shift[at]);
                if (with_residual) out.add(k, residual[k]);
                if (relu) out.cut_off_below_zero(k);
                if (relu) out.cut_off_above(k, relu.ceiling);  // of NaN nothing
            }
            std::vector<T> got(n);
            norm_apply<T>(m, {x.data(), scale.data(), shift.data(),
                              with_residual ? residual.data() : nullptr, relu, got.data()});
            record.hold("norm apply", 4, out, got);
        }
    for (Mask mask : {Mask::none, Mask::affine, Mask::output}) {
        const T ceiling = mask == Mask::none ? Relu<T>::no_ceiling : T(0.5);
        Exact sums(per_channel), products(per_channel), dx(n), dresidual(n);
        for (Size k = 0; k < n; ++k) {
            const Size at = channel(k);
            const double stands = mask == Mask::affine ? double(x[k]) * scale[at] + shift[at]
                                                       : double(residual[k]);
            const bool blocked = stands <= 0 || stands >= ceiling;
            const double g = mask != Mask::none && blocked ? 0 : dout[k];
            const double d = double(x[k]) - around[at];
            const double size = std::abs(x[k]) + std::abs(around[at]);
            sums.add(at, g);
            products.add(at, g * d, std::abs(g) * size);
            dresidual.set(k, g, 0);
            dx.set(k, a[at] * g + b[at] * d + c[at],
                   std::abs(a[at] * g) + std::abs(b[at]) * size + std::abs(c[at]));
        }
        const bool affine = mask == Mask::affine;
        const NormGradient<T> from{dout.data(),
                                   x.data(),
                                   around.data(),
                                   affine ? scale.data() : nullptr,
                                   affine ? shift.data() : nullptr,
                                   mask == Mask::output ? residual.data() : nullptr,
                                   ceiling};
        std::vector<double> got_sums(per_channel), got_products(per_channel);
        std::vector<T> got_dx(n), got_dresidual(n);
        norm_gradient_sums<T>(m, from, mask, got_sums.data(), got_products.data());
        norm_input_gradient<T>(
            m, {from, a.data(), b.data(), c.data(), got_dx.data(), got_dresidual.data()}, mask);
        record.hold("norm gradient sums", 8, sums,
                    std::vector<T>(got_sums.begin(), got_sums.end()));
        record.hold("norm gradient products", 8, products,
                    std::vector<T>(got_products.begin(), got_products.end()));
        record.hold("norm input gradient", 4, dx, got_dx);
        record.hold("norm residual gradient", 0, dresidual, got_dresidual);
    }
}

template <class T> void by_row(Record& record, Hand& hand, Size rows, Size D, bool with_gamma) {
    const Size n = rows * D;
    const double eps = 1e-5;
    const auto x = hand.numbers<T>(n, -1, 2), dout = hand.numbers<T>(n);
    const auto gamma = hand.numbers<T>(D), beta = hand.numbers<T>(D);
    const RowNorm<T> norm{D, with_gamma ? gamma.data() : nullptr,
                          with_gamma ? beta.data() : nullptr};
    Exact out(n), mean(rows), dx(n), dgamma(D), dbeta(D);
    std::vector<T> kept_mean(rows), kept_inv_std(rows);
    for (Size r = 0; r < rows; ++r) {
        Sum var;
        for (Size d = 0; d < D; ++d) mean.add(r, double(x[r * D + d]) / D);
        for (Size d = 0; d < D; ++d) var += std::pow(x[r * D + d] - mean.value[r], 2) / D;
        const double inv_std = 1 / std::sqrt(var + eps);
        kept_mean[r] = T(mean.value[r]), kept_inv_std[r] = T(inv_std);
        Sum sum, slope;
        double sizes = 0, slope_sizes = 0;
        auto standard = [&](Size d) {
            return (x[r * D + d] - double(kept_mean[r])) * kept_inv_std[r];
        };
        auto standard_size = [&](Size d) {
            return (std::abs(x[r * D + d]) + mean.size[r]) * inv_std;
        };
        for (Size d = 0; d < D; ++d) {
            const Size k = r * D + d;
            const double weight = with_gamma ? gamma[d] : 1, shift = with_gamma ? beta[d] : 0;
            out.set(k, (x[k] - mean.value[r]) * inv_std * weight + shift,
                    standard_size(d) * std::abs(weight) + std::abs(shift));
            const double g = dout[k] * weight;
            sum += g / D, sizes += std::abs(g) / D;
            slope += g * standard(d) / D, slope_sizes += std::abs(g) * standard_size(d) / D;
            dgamma.add(d, dout[k] * standard(d), std::abs(dout[k]) * standard_size(d));
            dbeta.add(d, dout[k]);
        }
        for (Size d = 0; d < D; ++d) {
            const double g = dout[r * D + d] * (with_gamma ? gamma[d] : 1);
            dx.set(r * D + d, kept_inv_std[r] * (g - sum - standard(d) * slope),
                   inv_std * (std::abs(g) + sizes + standard_size(d) * slope_sizes));
        }
    }
    std::vector<T> got_out(n), got_mean(rows), got_inv_std(rows), got_dx(n), got_dgamma(D),
        got_dbeta(D);
    row_norm_forward<T>(norm, rows, x.data(), eps, got_out.data(), got_mean.data(),
                        got_inv_std.data());
    row_norm_backward<T>(norm, rows, dout.data(), x.data(), kept_mean.data(), kept_inv_std.data(),
                         got_dx.data(), got_dgamma.data(), got_dbeta.data());
    record.hold("layer_norm forward", 8, out, got_out);
    record.hold("layer_norm mean", 8, mean, got_mean);
    record.hold("layer_norm dx", 8, dx, got_dx);
    record.hold("layer_norm dgamma", 8, dgamma, got_dgamma);
    record.hold("layer_norm dbeta", 8, dbeta, got_dbeta);
}

}  // namespace

template <class T> void norm_cases(Record& record) {
    for (int k = 0; k < 20; ++k) {
        Hand hand(8000 + k);
        const int images = hand.choice({1, 2, 3}), C = channels(hand);
        by_channel<T>(record, hand, {images, hand.choice({1, 2, 7, 8, 9, 129, 300}), C});
        const int rows = hand.choice({1, 2, 7, 129}), D = channels(hand) + k % 2 * 128;
        by_row<T>(record, hand, rows, D, k % 3 > 0);
    }
    Hand hand(8999);  // blocks of rows, whose statistics are joined
    by_channel<T>(record, hand, {1, 30011, 3});
    by_row<T>(record, hand, 301, 520, true);
}

template void norm_cases<float>(Record&);
template void norm_cases<double>(Record&);

}  // namespace cnn::tests
