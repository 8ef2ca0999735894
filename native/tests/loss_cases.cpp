// Softmax and the losses against loops.
#include "tests/cases.hpp"

#include "engine/loss.hpp"

namespace cnn::tests {
namespace {

template <class T> void softmax(Record& record, Hand& hand, const Classes& c) {
    const Size n = c.outer * c.K * c.inner;
    const auto x = hand.numbers<T>(n, -5, 5), dout = hand.numbers<T>(n);
    for (bool logs : {false, true}) {
        Exact out(n), dx(n);
        std::vector<T> kept(n);
        for (Size o = 0; o < c.outer; ++o)
            for (Size i = 0; i < c.inner; ++i) {
                auto at = [&](Size k) { return (o * c.K + k) * c.inner + i; };
                double largest = x[at(0)], sizes = 0;
                Sum total, sum;
                for (Size k = 0; k < c.K; ++k) largest = std::max<double>(largest, x[at(k)]);
                for (Size k = 0; k < c.K; ++k) total += std::exp(x[at(k)] - largest);
                for (Size k = 0; k < c.K; ++k) {
                    const double below = x[at(k)] - largest, p = std::exp(below) / total;
                    if (logs)
                        out.set(at(k), below - std::log(total), 1 - below + std::log(total));
                    else
                        out.set(at(k), p, p * (2 - below));
                    kept[at(k)] = T(out.value[at(k)]);
                    const double term = logs ? dout[at(k)] : double(dout[at(k)]) * kept[at(k)];
                    sum += term, sizes += std::abs(term);
                }
                for (Size k = 0; k < c.K; ++k) {
                    const double d = dout[at(k)], y = kept[at(k)];
                    if (logs)
                        dx.set(at(k), d - std::exp(y) * sum,
                               std::abs(d) + std::exp(y) * (2 - y) * sizes);
                    else
                        dx.set(at(k), y * (d - sum), y * (std::abs(d) + sizes));
                }
            }
        std::vector<T> got_out(n), got_dx(n);
        softmax_forward<T>(c, x.data(), logs, got_out.data());
        softmax_backward<T>(c, dout.data(), kept.data(), logs, got_dx.data());
        const std::string name = logs ? "log_softmax" : "softmax";
        record.hold(name + " forward", 8, out, got_out);
        record.hold(name + " backward", 8, dx, got_dx);
    }
}

// `given`: as probabilities, else as labels.
template <class T>
void cross_entropy(Record& record, Hand& hand, Size N, Size K, bool given, double smoothing) {
    const auto x = hand.numbers<T>(N * K, -5, 5), probabilities = hand.numbers<T>(N * K, 0, 1);
    std::vector<std::int64_t> labels(N);
    for (auto& label : labels) label = hand.integer(0, static_cast<int>(K) - 1);
    const Targets<T> targets{given ? nullptr : labels.data(),
                             given ? probabilities.data() : nullptr, T(smoothing)};
    const double share = T(1.0 / N);
    Exact loss(1), p(N * K), dx(N * K);
    std::vector<T> kept(N * K);
    for (Size n = 0; n < N; ++n) {
        const T* row = x.data() + n * K;
        double largest = row[0];
        Sum total, wanted;
        for (Size k = 0; k < K; ++k) largest = std::max<double>(largest, row[k]);
        for (Size k = 0; k < K; ++k) total += std::exp(row[k] - largest);
        auto q = [&](Size k) {
            return (1 - smoothing) * (given ? probabilities[n * K + k] : k == labels[n]) +
                   smoothing / K;
        };
        for (Size k = 0; k < K; ++k) wanted += q(k);
        for (Size k = 0; k < K; ++k) {
            const double below = row[k] - largest, share_of_k = std::exp(below) / total;
            p.set(n * K + k, share_of_k, share_of_k * (2 - below));
            kept[n * K + k] = T(share_of_k);
            loss.add(0, -q(k) * (below - std::log(total)), q(k) * (1 - below + std::log(total)));
        }
        for (Size k = 0; k < K; ++k)
            dx.set(n * K + k, (kept[n * K + k] * wanted - q(k)) * share,
                   (kept[n * K + k] * wanted + q(k)) * share);
    }
    std::vector<T> got_p(N * K), got_dx(N * K);
    const double got = cross_entropy_forward<T>(N, K, x.data(), targets, got_p.data());
    cross_entropy_backward<T>(N, K, kept.data(), targets, T(share), got_dx.data());
    record.hold("softmax_cross_entropy", 8, loss, std::vector<T>{T(got)});
    record.hold("softmax_cross_entropy p", 8, p, got_p);
    record.hold("softmax_cross_entropy backward", 8, dx, got_dx);
}

template <class T> void hinge(Record& record, Hand& hand, Size N, Size K) {
    const auto x = hand.numbers<T>(N * K, -3, 3);
    std::vector<std::int64_t> labels(N);
    for (auto& label : labels) label = hand.integer(0, static_cast<int>(K) - 1);
    const T share = T(1.0 / N);
    Exact loss(1), dx(N * K);
    for (Size n = 0; n < N; ++n) {
        const T* row = x.data() + n * K;
        const double right = row[labels[n]];
        int charged = 0;
        for (Size k = 0; k < K; ++k) {
            const double margin = row[k] - right + 1;
            const bool counts = k != labels[n] && margin > 0;
            loss.add(0, counts ? margin : 0, std::abs(row[k]) + std::abs(right) + 1);
            dx.set(n * K + k, counts ? share : 0, 0);
            charged += counts;
        }
        dx.set(n * K + labels[n], -T(charged) * share, 0);
    }
    std::vector<T> got(N * K);
    const double total = hinge_forward<T>(N, K, x.data(), labels.data());
    hinge_backward<T>(N, K, x.data(), labels.data(), share, got.data());
    record.hold("hinge forward", 8, loss, std::vector<T>{T(total)});
    record.hold("hinge backward", 0, dx, got);
}

}  // namespace

template <class T> void loss_cases(Record& record) {
    for (int k = 0; k < 30; ++k) {
        Hand hand(7000 + k);
        const Size outer = hand.choice({1, 2, 5}), K = channels(hand) + (k == 0) * 1000;
        softmax<T>(record, hand, {outer, K, 1});
        softmax<T>(record, hand, {outer, K, channels(hand)});
        const Size N = k ? hand.choice({1, 3, 8}) : 40;
        cross_entropy<T>(record, hand, N, K, false, k % 2 ? 0.1 : 0);
        cross_entropy<T>(record, hand, N, K, true, k % 2 ? 0 : 0.1);
        hinge<T>(record, hand, N, K);
    }
}

template void loss_cases<float>(Record&);
template void loss_cases<double>(Record&);

}  // namespace cnn::tests
