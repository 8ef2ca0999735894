// exp, log, tanh, the logistic function and the normal distribution, lane by lane.
//
// exp. x = n·ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts so that r is exact to the
// last bit (W. J. Cody, W. Waite, Software Manual for the Elementary Functions, 1980);
// e^r - 1 is its Taylor polynomial, whose first term left out is below a quarter of a
// rounding; 2^n is two factors, so that results too small to be normal come out right.
//
// tanh x = -m / (2 + m) with m = e^(-2|x|) - 1 = 2^n (e^r - 1) + (2^n - 1), which does
// not cancel near 0.
//
// log. x = 2^k·m with m in [√½, √2), log m = 2 artanh s with s = (m - 1) / (m + 1): the
// series of artanh in s², up to |s| = 0.172.
//
// erf. W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics
// of Computation 23, 1969: three ranges, of which float never needs the third.
// Measured against the standard library: exp and log are within 1 rounding, tanh and the
// logistic function within 3, in float and in double.
#pragma once

#include "simd/lanes.hpp"

namespace cnn::CNN_LEVEL {

template <class T> struct Format;

template <> struct Format<float> {
    static constexpr int fraction_bits = 23, exp_terms = 7, log_terms = 5;
    static constexpr float round = 12582912.0f;  // 1.5·2^23: adding it rounds to integers
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float exp_from = -104.0f, exp_to = 89.0f;  // beyond: 0 and infinity
    static constexpr float tanh_from = -40.0f;                  // beyond: e^x - 1 is -1
    static constexpr float infinity = __builtin_inff();
};

template <> struct Format<double> {
    static constexpr int fraction_bits = 52, exp_terms = 13, log_terms = 11;
    static constexpr double round = 6755399441055744.0;  // 1.5·2^52
    static constexpr double ln2_high = 6.93145751953125e-1;
    static constexpr double ln2_low = 1.42860682030941723212e-6;
    static constexpr double exp_from = -746.0, exp_to = 710.0;
    static constexpr double tanh_from = -80.0;
    static constexpr double infinity = __builtin_inf();
};

// e^x = (1 + tail)·2^n.
template <class T> struct Exponential {
    Vector<T> tail, n;
};

// x within the range whose 2^n can be told; NaN goes through.
template <class T> CNN_INLINE Exponential<T> exponential(Vector<T> x) {
    using F = Format<T>;
    const T log2_e = T(1.44269504088896340736);
    const Vector<T> n = (x * log2_e + F::round) - F::round;
    const Vector<T> r = (x - n * F::ln2_high) - n * F::ln2_low;
    T factorial = 1;
    for (int k = 2; k <= F::exp_terms; ++k) factorial *= k;
    Vector<T> sum = broadcast<T>(1 / factorial);
#pragma GCC unroll 16
    for (int k = F::exp_terms; k > 2; --k) {
        factorial /= k;
        sum = sum * r + 1 / factorial;
    }
    return {r + r * r * sum, n};
}

// 2^n for whole n of a normal result.
template <class T> CNN_INLINE Vector<T> power_of_two(Vector<T> n) {
    const Vector<T> one = broadcast<T>(1), round = broadcast<T>(Format<T>::round);
    const Integers<T> whole = (Integers<T>)(n + round) - (Integers<T>)round;
    return (Vector<T>)((Integers<T>)one + (whole << Format<T>::fraction_bits));
}

template <class T> CNN_INLINE Vector<T> exp_of(Vector<T> x) {
    using F = Format<T>;
    x = x < F::exp_from ? broadcast<T>(F::exp_from) : x;
    x = x > F::exp_to ? broadcast<T>(F::exp_to) : x;
    const Exponential<T> e = exponential<T>(x);
    const Vector<T> half = (e.n * T(0.5) + F::round) - F::round;
    return (1 + e.tail) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}

template <class T> CNN_INLINE Vector<T> tanh_of(Vector<T> x) {
    using F = Format<T>;
    Vector<T> y = -2 * magnitude<T>(x);
    y = y < F::tanh_from ? broadcast<T>(F::tanh_from) : y;
    const Exponential<T> e = exponential<T>(y);
    const Vector<T> power = power_of_two<T>(e.n);
    const Vector<T> less_one = power * e.tail + (power - 1);
    return with_sign_of<T>(magnitude<T>(less_one / (2 + less_one)), x);
}

// 1 / (1 + e^-x), by e^-|x| which never overflows.
template <class T> CNN_INLINE Vector<T> logistic(Vector<T> x) {
    const Vector<T> e = exp_of<T>(-magnitude<T>(x));
    return (x >= 0 ? broadcast<T>(1) : e) / (1 + e);
}

// For x >= 1, as the sums of a softmax are; NaN and infinity go through.
template <class T> CNN_INLINE Vector<T> log_of(Vector<T> x) {
    using F = Format<T>;
    const Integers<T> root_half = (Integers<T>)broadcast<T>(T(0.70710678118654752440));
    const Integers<T> k = ((Integers<T>)x - root_half) >> F::fraction_bits;
    const Vector<T> m = (Vector<T>)((Integers<T>)x - (k << F::fraction_bits));
    const Vector<T> round = broadcast<T>(F::round);
    const Vector<T> power = (Vector<T>)((Integers<T>)round + k) - round;
    const Vector<T> s = (m - 1) / (m + 1), z = s * s;
    Vector<T> sum = broadcast<T>(T(1) / (2 * F::log_terms + 1));
#pragma GCC unroll 16
    for (int j = F::log_terms - 1; j >= 1; --j) sum = sum * z + T(1) / (2 * j + 1);
    const Vector<T> log_m = 2 * s + 2 * s * (z * sum);
    const Vector<T> result = power * F::ln2_high + (log_m + power * F::ln2_low);
    return x < F::infinity ? result : x;
}

namespace cody {

constexpr double small_top[] = {1.85777706184603153e-1, 3.16112374387056560e0,
                                1.13864154151050156e2, 3.77485237685302021e2,
                                3.20937758913846947e3};
constexpr double small_bottom[] = {1.0, 2.36012909523441209e1, 2.44024637934444173e2,
                                   1.28261652607737228e3, 2.84423683343917062e3};
constexpr double middle_top[] = {2.15311535474403846e-8, 5.64188496988670089e-1,
                                 8.88314979438837594e0, 6.61191906371416295e1,
                                 2.98635138197400131e2, 8.81952221241769090e2,
                                 1.71204761263407058e3, 2.05107837782607147e3,
                                 1.23033935479799725e3};
constexpr double middle_bottom[] = {1.0, 1.57449261107098347e1, 1.17693950891312499e2,
                                    5.37181101862009858e2, 1.62138957456669019e3,
                                    3.29079923573345963e3, 4.36261909014324716e3,
                                    3.43936767414372164e3, 1.23033935480374942e3};
constexpr double large_top[] = {1.63153871373020978e-2, 3.05326634961232344e-1,
                                3.60344899949804439e-1, 1.25781726111229246e-1,
                                1.60837851487422766e-2, 6.58749161529837803e-4};
constexpr double large_bottom[] = {1.0, 2.56852019228982242e0, 1.87295284992346725e0,
                                   5.27905102951428412e-1, 6.05183413124413191e-2,
                                   2.33520497626869185e-3};
constexpr double inv_sqrt_pi = 0.5641895835477563;

}  // namespace cody

template <class T, int n>
CNN_INLINE Vector<T> ratio(const double (&top)[n], const double (&bottom)[n], Vector<T> t) {
    Vector<T> above = broadcast<T>(T(top[0])), below = broadcast<T>(T(bottom[0]));
#pragma GCC unroll 16
    for (int k = 1; k < n; ++k) {
        above = above * t + T(top[k]);
        below = below * t + T(bottom[k]);
    }
    return above / below;
}

// The share of the normal distribution below x, (1 + erf(x/√2)) / 2, and e^(-x²/2).
template <class T> struct Normal {
    Vector<T> share, bell;
};

template <class T> CNN_INLINE Normal<T> normal(Vector<T> x) {
    Vector<T> y = magnitude<T>(x) * T(0.70710678118654752440);
    y = y > 30 ? broadcast<T>(30) : y;  // e^-900 is 0 already
    const Vector<T> square = y * y, bell = exp_of<T>(-square);
    Vector<T> beyond = bell * ratio<T>(cody::middle_top, cody::middle_bottom, y);  // erfc(y)
    if constexpr (sizeof(T) == 8)
        if (bits_of<T>(y > 4)) {
            const Vector<T> t = 1 / square;
            const Vector<T> far =
                (T(cody::inv_sqrt_pi) - t * ratio<T>(cody::large_top, cody::large_bottom, t)) *
                bell / y;
            beyond = y > 4 ? far : beyond;
        }
    beyond *= T(0.5);
    Vector<T> share = x < 0 ? beyond : 1 - beyond;
    if (bits_of<T>(y <= T(0.46875))) {
        const Vector<T> erf = y * ratio<T>(cody::small_top, cody::small_bottom, square);
        share = y <= T(0.46875) ? T(0.5) + T(0.5) * with_sign_of<T>(erf, x) : share;
    }
    return {share, bell};
}

}  // namespace cnn::CNN_LEVEL
