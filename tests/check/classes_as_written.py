"""Layers as classes, as people write them: with weights handed in, or made from sizes."""

from __future__ import annotations

from typing import Any

import numpy as np


def windows(x, HH, WW, stride):
    view = np.lib.stride_tricks.sliding_window_view(x, (HH, WW), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


class Convolution:
    """Weights are handed in; gradients are attributes."""

    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad
        self.x: Any = None
        self.dW: Any = None
        self.db: Any = None

    def forward(self, x):
        p = self.pad
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        cols = windows(self.x, *self.W.shape[2:], self.stride)
        return np.einsum("nchwij,fcij->nfhw", cols, self.W) + self.b[:, None, None]

    def backward(self, dout):
        FH, FW = self.W.shape[2:]
        self.dW = np.einsum("nchwij,nfhw->fcij", windows(self.x, FH, FW, self.stride), dout)
        self.db = dout.sum(axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                at = np.s_[:, :, i * self.stride :, j * self.stride :]
                dx[at][:, :, :FH, :FW] += np.einsum("nf,fcij->ncij", dout[:, :, i, j], self.W)
        H, W = (n - 2 * self.pad for n in dx.shape[2:])
        return dx[:, :, self.pad : self.pad + H, self.pad : self.pad + W]


class Conv2D:
    """Weights are made from sizes; backward returns all gradients."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.weight = 0.1 * np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.bias = np.zeros((out_channels, 1))
        self.stride, self.padding = stride, padding
        self.layer: Any = None

    def forward(self, x):
        self.layer = Convolution(self.weight, self.bias[:, 0], self.stride, self.padding)
        return self.layer.forward(x)

    def backward(self, grad):
        dx = self.layer.backward(grad)
        return dx, self.layer.dW, self.layer.db.reshape(self.bias.shape)


class Pooling:
    def __init__(self, pool_h, pool_w, stride=1, pad=0):
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad
        self.x: Any = None

    def forward(self, x):
        p = self.pad
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=-np.inf)
        return windows(self.x, self.pool_h, self.pool_w, self.stride).max(axis=(4, 5))

    def backward(self, dout):
        dx = np.zeros(self.x.shape, dtype=dout.dtype)
        view = windows(self.x, self.pool_h, self.pool_w, self.stride)
        for n, c, i, j in np.ndindex(dout.shape):
            k, m = divmod(int(view[n, c, i, j].argmax()), self.pool_w)
            dx[n, c, i * self.stride + k, j * self.stride + m] += dout[n, c, i, j]
        H, W = (n - 2 * self.pad for n in dx.shape[2:])
        return dx[:, :, self.pad : self.pad + H, self.pad : self.pad + W]


class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x: Any = None

    def forward(self, x):
        self.x = x
        W, b = self.params
        return x @ W + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = self.x.T @ dout
        self.grads[1][...] = dout.sum(axis=0)
        return dout @ W.T


class Linear:
    def __init__(self, in_features, out_features):
        self.weight = np.random.randn(out_features, in_features)
        self.bias = np.zeros(out_features)
        self.grads: dict[str, Any] = {}
        self.x: Any = None

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, dout):
        self.grads = {"weight": dout.T @ self.x, "bias": dout.sum(axis=0)}
        return dout @ self.weight


class Relu:
    def __init__(self):
        self.mask: Any = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def __init__(self):
        self.out: Any = None

    def forward(self, x):
        with np.errstate(over="ignore"):
            self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class SoftmaxWithLoss:
    def __init__(self):
        self.y: Any = None
        self.t: Any = None

    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y, self.t = e / e.sum(axis=1, keepdims=True), t
        logs = x - x.max(axis=1, keepdims=True)
        logs = logs - np.log(e.sum(axis=1, keepdims=True))
        return -logs[np.arange(len(x)), t].mean()

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= 1
        return dout * dx / len(dx)


class BatchNormalization:
    """Its eps is its own, and its running variance is a mean of biased ones."""

    def __init__(self, gamma, beta, momentum=0.9, running_mean=None, running_var=None):
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.dgamma: Any = None
        self.dbeta: Any = None

    def forward(self, x, train_flg=True):
        self.shape = x.shape
        if x.ndim == 4:
            x = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        mu, var = (x.mean(axis=0), x.var(axis=0)) if train_flg else self.running
        self.xn, self.std = (x - mu) / np.sqrt(var + 1e-7), np.sqrt(var + 1e-7)
        self.train_flg = train_flg
        if train_flg:
            m = self.momentum
            self.running_mean = m * self.running_mean + (1 - m) * mu
            self.running_var = m * self.running_var + (1 - m) * var
        return self.back(self.gamma * self.xn + self.beta)

    @property
    def running(self):
        return self.running_mean, self.running_var

    def back(self, rows):
        if len(self.shape) == 2:
            return rows
        N, C, H, W = self.shape
        return rows.reshape(N, H, W, C).transpose(0, 3, 1, 2)

    def backward(self, dout):
        if dout.ndim == 4:
            dout = dout.transpose(0, 2, 3, 1).reshape(-1, dout.shape[1])
        self.dbeta, self.dgamma = dout.sum(axis=0), (dout * self.xn).sum(axis=0)
        dxn = dout * self.gamma
        if not self.train_flg:
            return self.back(dxn / self.std)
        centred = dxn - dxn.mean(axis=0) - self.xn * (dxn * self.xn).mean(axis=0)
        return self.back(centred / self.std)


class Dropout:
    """Scales in inference, as the paper does, and not in training."""

    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio
        self.mask: Any = None

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        self.mask = 1.0 - self.dropout_ratio
        return x * (1.0 - self.dropout_ratio)

    def backward(self, dout):
        return dout * self.mask
