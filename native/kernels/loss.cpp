// Softmax and the losses, over rows of K scores.
//
//   p[k] = exp(x[k] - max x) / Σ_l exp(x[l] - max x)
//   softmax_cross_entropy   loss = Σ_k -q[k]·log p[k],  dx[k] = (p[k]·Σ_l q[l] - q[k])·dout/N
//   hinge                   loss = Σ_{k ≠ t} max(0, x[k] - x[t] + 1)
//
// Plan. Where the classes lie side by side, a register holds classes of one row, and a
// row goes through three short passes (maximum, sum of exponentials, result) while it is
// in L1. Where they do not, a register holds columns, and the passes go over the classes.
#include "kernels/loss.hpp"

#include "simd/curves.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

// f(k, n, read, write) over a row, a register at a time; lanes from n on are not there.
template <class T, class F> CNN_INLINE void over_row(Size K, F f) {
    Size k = 0;
    // main loop
    for (; k + lanes<T> <= K; k += lanes<T>)
        f(k, lanes<T>, [=](const T* p) { return load(p + k); },
          [=](T* p, Vector<T> v) { store(p + k, v); });
    // tail
    const int left = static_cast<int>(K - k);
    if (left)
        f(k, left, [=](const T* p) { return load_first(p + k, left); },
          [=](T* p, Vector<T> v) { store_first(p + k, v, left); });
}

template <class T> CNN_INLINE Vector<T> only_first(Vector<T> v, int n) {
    return n == lanes<T> ? v : first_lanes<T>(n) ? v : Vector<T>{};
}

// Sums of many terms: in lanes over short runs, so that they stay accurate in float.
template <class T> struct LongSum {
    Vector<T> total = {}, run = {};
    int n = 0;
    CNN_INLINE void add(Vector<T> v) {
        run += v;
        if (++n == 32) {
            total += run;
            run = Vector<T>{};
            n = 0;
        }
    }
    CNN_INLINE Vector<T> all() const { return total + run; }
};

template <class T> CNN_INLINE T largest_of_row(const T* x, Size K) {
    Vector<T> best = broadcast<T>(-Format<T>::infinity);
    over_row<T>(K, [&](Size, int n, auto read, auto) CNN_LAMBDA {
        const Vector<T> v = larger<T>(read(x), best);
        best = n == lanes<T> ? v : first_lanes<T>(n) ? v : best;
    });
    return largest_lane<T>(best);
}

template <class T> CNN_INLINE T log_of_one(T x) { return log_of<T>(broadcast<T>(x))[0]; }

}  // namespace

template <class T> void softmax_rows(const T* x, Size rows, Size K, bool logs, T* out) {
    for (Size r = 0; r < rows; ++r, x += K, out += K) {
        const T largest = largest_of_row<T>(x, K);
        LongSum<T> sum;
        over_row<T>(K, [&](Size, int n, auto read, auto write) CNN_LAMBDA {
            const Vector<T> e = exp_of<T>(read(x) - largest);
            sum.add(only_first<T>(e, n));
            if (!logs) write(out, e);
        });
        const T total = sum_of_lanes<T>(sum.all());
        if (logs) {
            const T log_total = log_of_one<T>(total);
            over_row<T>(K, [=](Size, int, auto read, auto write) CNN_LAMBDA {
                write(out, (read(x) - largest) - log_total);
            });
        } else {
            over_row<T>(K, [=](Size, int, auto read, auto write) CNN_LAMBDA {
                write(out, read(out) / total);
            });
        }
    }
}

template <class T>
void softmax_columns(const T* x, Size columns, Size K, Size step, bool logs, T* out) {
    over_row<T>(columns, [=](Size, int, auto read, auto write) CNN_LAMBDA {
        Vector<T> largest = read(x);
        for (Size k = 1; k < K; ++k) largest = larger<T>(read(x + k * step), largest);
        LongSum<T> sum;
        for (Size k = 0; k < K; ++k) {
            const Vector<T> e = exp_of<T>(read(x + k * step) - largest);
            sum.add(e);
            if (!logs) write(out + k * step, e);
        }
        const Vector<T> total = sum.all();
        if (logs) {
            const Vector<T> log_total = log_of<T>(total);
            for (Size k = 0; k < K; ++k)
                write(out + k * step, (read(x + k * step) - largest) - log_total);
        } else {
            for (Size k = 0; k < K; ++k) write(out + k * step, read(out + k * step) / total);
        }
    });
}

namespace {

// What is summed over the classes, and a class's gradient from the sum.
template <class T> CNN_INLINE Vector<T> term(Vector<T> dout, Vector<T> out, bool logs) {
    return logs ? dout : dout * out;
}
template <class T>
CNN_INLINE Vector<T> input_gradient(Vector<T> dout, Vector<T> out, Vector<T> sum, bool logs) {
    return logs ? dout - exp_of<T>(out) * sum : out * (dout - sum);
}

}  // namespace

template <class T>
void softmax_rows_backward(const T* dout, const T* out, Size rows, Size K, bool logs, T* dx) {
    for (Size r = 0; r < rows; ++r, dout += K, out += K, dx += K) {
        LongSum<T> sum;
        over_row<T>(K, [&](Size, int n, auto read, auto) CNN_LAMBDA {
            sum.add(only_first<T>(term<T>(read(dout), read(out), logs), n));
        });
        const Vector<T> total = broadcast<T>(sum_of_lanes<T>(sum.all()));
        over_row<T>(K, [=](Size, int, auto read, auto write) CNN_LAMBDA {
            write(dx, input_gradient<T>(read(dout), read(out), total, logs));
        });
    }
}

template <class T>
void softmax_columns_backward(const T* dout, const T* out, Size columns, Size K, Size step,
                              bool logs, T* dx) {
    over_row<T>(columns, [=](Size, int, auto read, auto write) CNN_LAMBDA {
        LongSum<T> sum;
        for (Size k = 0; k < K; ++k)
            sum.add(term<T>(read(dout + k * step), read(out + k * step), logs));
        const Vector<T> total = sum.all();
        for (Size k = 0; k < K; ++k)
            write(dx + k * step,
                  input_gradient<T>(read(dout + k * step), read(out + k * step), total, logs));
    });
}

namespace {

// The wanted distribution of one row, a register at a time: q = (1 - s)·wanted + s/K.
template <class T> struct Wanted {
    const T* probabilities;  // or null
    Integers<T> numbers;
    Size label;
    T right, other;  // of the label, and of all others; or factor and addend
    CNN_INLINE Wanted(const Targets<T>& targets, Size r, Size K)
        : probabilities(targets.labels ? nullptr : targets.probabilities + r * K),
          numbers(lane_numbers<T>()), label(targets.labels ? targets.labels[r] : 0),
          right(1 - targets.smoothing), other(targets.smoothing / static_cast<T>(K)) {
        if (targets.labels) right += other;
    }
    template <class Read> CNN_INLINE Vector<T> operator()(Size k, int n, Read read) const {
        if (probabilities) return only_first<T>(read(probabilities) * right + other, n);
        using Lane = decltype(numbers[0] + 0);
        const Size at = label - k;
        const Integers<T> here =
            numbers == (at >= 0 && at < lanes<T> ? static_cast<Lane>(at) : Lane(-1));
        return only_first<T>(here ? broadcast<T>(right) : broadcast<T>(other), n);
    }
    CNN_INLINE T sum(Size K) const {
        if (!probabilities) return right + static_cast<T>(K - 1) * other;
        LongSum<T> total;
        over_row<T>(K, [&](Size k, int n, auto read, auto) CNN_LAMBDA {
            total.add((*this)(k, n, read));
        });
        return sum_of_lanes<T>(total.all());
    }
};

}  // namespace

template <class T>
void cross_entropy(const T* x, const Targets<T>& targets, Size rows, Size K, T* p,
                   double* losses) {
    for (Size r = 0; r < rows; ++r, x += K, p += K) {
        const T largest = largest_of_row<T>(x, K);
        LongSum<T> sum;
        over_row<T>(K, [&](Size, int n, auto read, auto write) CNN_LAMBDA {
            const Vector<T> e = exp_of<T>(read(x) - largest);
            sum.add(only_first<T>(e, n));
            write(p, e);
        });
        const T total = sum_of_lanes<T>(sum.all()), log_total = log_of_one<T>(total);
        const Wanted<T> wanted(targets, r, K);
        LongSum<T> loss;
        over_row<T>(K, [&](Size k, int n, auto read, auto write) CNN_LAMBDA {
            const Vector<T> q = wanted(k, n, read), log_p = (read(x) - largest) - log_total;
            loss.add(q != 0 ? q * log_p : Vector<T>{});  // 0·log 0 counts nothing
            write(p, read(p) / total);
        });
        losses[r] = -static_cast<double>(sum_of_lanes<T>(loss.all()));
    }
}

template <class T>
void cross_entropy_backward(const T* p, const Targets<T>& targets, Size rows, Size K, T share,
                            T* dx) {
    for (Size r = 0; r < rows; ++r, p += K, dx += K) {
        const Wanted<T> wanted(targets, r, K);
        const T sum = wanted.sum(K);
        over_row<T>(K, [=, &wanted](Size k, int n, auto read, auto write) CNN_LAMBDA {
            write(dx, (read(p) * sum - wanted(k, n, read)) * share);
        });
    }
}

template <class T>
void hinge(const T* x, const std::int64_t* labels, Size rows, Size K, double* losses) {
    for (Size r = 0; r < rows; ++r, x += K) {
        const T right = x[labels[r]];
        double loss = 0;
        for (Size k = 0; k < K; ++k) {
            const T margin = x[k] - right + 1;
            loss += k == labels[r] || margin <= 0 ? T(0) : margin;
        }
        losses[r] = loss;
    }
}

template <class T>
void hinge_backward(const T* x, const std::int64_t* labels, Size rows, Size K, T share, T* dx) {
    for (Size r = 0; r < rows; ++r, x += K, dx += K) {
        const T right = x[labels[r]];
        Size charged = 0;
        for (Size k = 0; k < K; ++k) {
            const bool is_charged = k != labels[r] && x[k] - right + 1 > 0;
            dx[k] = is_charged ? share : T(0);
            charged += is_charged;
        }
        dx[labels[r]] = charged ? -static_cast<T>(charged) * share : T(0);
    }
}

#define CNN_INSTANTIATE(T)                                                                    \
    template void softmax_rows(const T*, Size, Size, bool, T*);                               \
    template void softmax_columns(const T*, Size, Size, Size, bool, T*);                      \
    template void softmax_rows_backward(const T*, const T*, Size, Size, bool, T*);            \
    template void softmax_columns_backward(const T*, const T*, Size, Size, Size, bool, T*);   \
    template void cross_entropy(const T*, const Targets<T>&, Size, Size, T*, double*);        \
    template void cross_entropy_backward(const T*, const Targets<T>&, Size, Size, T, T*);     \
    template void hinge(const T*, const std::int64_t*, Size, Size, double*);                  \
    template void hinge_backward(const T*, const std::int64_t*, Size, Size, T, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
