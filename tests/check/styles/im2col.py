"""The course's functions as matrices: index arrays gather the windows, np.add.at scatters them."""

import numpy as np


def places(H_out, W_out, HH, WW, stride):
    rows = np.repeat(np.arange(HH), WW)[:, None] + stride * np.repeat(np.arange(H_out), W_out)
    columns = np.tile(np.arange(WW), HH)[:, None] + stride * np.tile(np.arange(W_out), H_out)
    return rows, columns


def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = places(H_out, W_out, HH, WW, stride)
    x_cols = xp[:, :, rows, columns].reshape(N, C * HH * WW, -1)
    out = w.reshape(F, -1) @ x_cols + b[:, None]
    return out.reshape(N, F, H_out, W_out), (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    N, F, H_out, W_out = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = places(H_out, W_out, HH, WW, stride)
    x_cols = xp[:, :, rows, columns].reshape(N, C * HH * WW, -1)
    dout_rows = dout.reshape(N, F, -1)
    db = dout_rows.sum(axis=(0, 2))
    dw = (dout_rows @ x_cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    dx_cols = w.reshape(F, -1).T @ dout_rows
    dxp = np.zeros_like(xp)
    np.add.at(
        dxp,
        (slice(None), slice(None), rows, columns),
        dx_cols.reshape(N, C, HH * WW, -1),
    )
    dx = dxp[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db


def max_pool_forward_naive(x, pool_param):
    HH, WW = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    H_out = 1 + (H - HH) // stride
    W_out = 1 + (W - WW) // stride
    rows, columns = places(H_out, W_out, HH, WW, stride)
    x_cols = x[:, :, rows, columns]
    out = x_cols.max(axis=2).reshape(N, C, H_out, W_out)
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    HH, WW = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    rows, columns = places(H_out, W_out, HH, WW, stride)
    x_cols = x[:, :, rows, columns]
    place = x_cols.argmax(axis=2)
    dx_cols = np.zeros_like(x_cols)
    np.put_along_axis(dx_cols, place[:, :, None], dout.reshape(N, C, 1, -1), axis=2)
    dx = np.zeros_like(x)
    np.add.at(dx, (slice(None), slice(None), rows, columns), dx_cols)
    return dx


def avg_pool_forward_naive(x, pool_param):
    HH, WW = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    H_out = 1 + (H - HH) // stride
    W_out = 1 + (W - WW) // stride
    rows, columns = places(H_out, W_out, HH, WW, stride)
    out = x[:, :, rows, columns].sum(axis=2) / (HH * WW)
    return out.reshape(N, C, H_out, W_out), (x, pool_param)


def avg_pool_backward_naive(dout, cache):
    x, pool_param = cache
    HH, WW = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H_out, W_out = dout.shape
    rows, columns = places(H_out, W_out, HH, WW, stride)
    shares = dout.reshape(N, C, 1, -1) / (HH * WW)
    dx = np.zeros_like(x)
    np.add.at(dx, (slice(None), slice(None), rows, columns), shares)
    return dx


def affine_forward(x, w, b):
    N = x.shape[0]
    x_row = x.reshape(N, -1)
    return np.matmul(x_row, w) + b.reshape(1, -1), (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    x_row = x.reshape(x.shape[0], -1)
    dx_row = np.matmul(dout, w.T)
    dw = np.matmul(x_row.T, dout)
    db = np.ones(len(dout), dtype=dout.dtype) @ dout
    return dx_row.reshape(x.shape), dw, db


def relu_forward(x):
    positive = x > 0
    return x * positive, positive


def relu_backward(dout, cache):
    positive = cache
    return dout * positive


def softmax_loss(x, y):
    N, K = x.shape
    wanted = np.eye(K)[y]
    top = x.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(x - top).sum(axis=1, keepdims=True)) + top
    loss = np.mean(np.sum(wanted * (log_sums - x), axis=1))
    dx = (np.exp(x - log_sums) - wanted) / N
    return loss, dx.astype(x.dtype)


def svm_loss(x, y):
    N, K = x.shape
    is_right = np.eye(K, dtype=bool)[y]
    margins = x - x[is_right].reshape(N, 1) + 1
    charged = (margins > 0) & ~is_right
    loss = margins[charged].sum() / N
    dx = charged / N - is_right * charged.sum(axis=1, keepdims=True) / N
    return loss, dx.astype(x.dtype)


def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    rng = np.random.RandomState(dropout_param.get("seed"))
    scaled = np.ones(x.shape)
    if mode == "train":
        scaled = rng.binomial(1, p, size=x.shape) / p
    out = (x * scaled).astype(x.dtype)
    return out, (dropout_param, scaled)


def dropout_backward(dout, cache):
    dropout_param, scaled = cache
    return (dout * scaled).astype(dout.dtype)


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    D = x.shape[1]
    bn_param.setdefault("running_mean", np.zeros(D, dtype=x.dtype))
    bn_param.setdefault("running_var", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mean = np.mean(x, axis=0)
        var = np.mean((x - mean) ** 2, axis=0)
        bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * mean
        bn_param["running_var"] = momentum * bn_param["running_var"] + (1 - momentum) * var
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    spread = np.sqrt(var + eps)
    x_hat = (x - mean) / spread
    out = x_hat * gamma[None, :] + beta[None, :]
    return out, (x, mean, spread, x_hat, gamma)


def batchnorm_backward(dout, cache):
    x, mean, spread, x_hat, gamma = cache
    N = dout.shape[0]
    dbeta = np.einsum("nd->d", dout)
    dgamma = np.einsum("nd,nd->d", dout, x_hat)
    dx_hat = dout * gamma
    dspread = -np.einsum("nd,nd->d", dx_hat, x_hat) / spread
    dvar = dspread / (2 * spread)
    dcentred = dx_hat / spread + dvar * 2 * (x - mean) / N
    dx = dcentred - dcentred.sum(axis=0) / N
    return dx, dgamma, dbeta


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    C = x.shape[1]
    x_row = x.swapaxes(0, 1).reshape(C, -1).T
    out, cache = batchnorm_forward(x_row, gamma, beta, bn_param)
    out = out.T.reshape(C, x.shape[0], *x.shape[2:]).swapaxes(0, 1)
    return out, cache


def spatial_batchnorm_backward(dout, cache):
    C = dout.shape[1]
    dout_row = dout.swapaxes(0, 1).reshape(C, -1).T
    dx, dgamma, dbeta = batchnorm_backward(dout_row, cache)
    dx = dx.T.reshape(C, dout.shape[0], *dout.shape[2:]).swapaxes(0, 1)
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    D = x.shape[1]
    centred = x - np.sum(x, axis=1, keepdims=True) / D
    var = np.sum(centred**2, axis=1, keepdims=True) / D
    spread = np.sqrt(var + eps)
    x_hat = centred / spread
    out = x_hat * gamma + beta
    return out, (x_hat, spread, gamma)


def layernorm_backward(dout, cache):
    x_hat, spread, gamma = cache
    N, D = dout.shape
    dgamma = np.einsum("nd,nd->d", dout, x_hat)
    dbeta = np.einsum("nd->d", dout)
    dx_hat = dout * gamma
    total = np.sum(dx_hat, axis=1, keepdims=True)
    slope = np.sum(dx_hat * x_hat, axis=1, keepdims=True)
    dx = (D * dx_hat - total - x_hat * slope) / (D * spread)
    return dx, dgamma, dbeta


def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    eps = gn_param.get("eps", 1e-5)
    N, C, H, W = x.shape
    rows = x.reshape(N * G, -1)
    centred = rows - rows.mean(axis=1, keepdims=True)
    var = np.mean(centred**2, axis=1, keepdims=True)
    spread = np.sqrt(var + eps)
    x_hat = (centred / spread).reshape(N, C, H, W)
    out = x_hat * gamma + beta
    return out, (x_hat, spread, gamma, G)


def spatial_groupnorm_backward(dout, cache):
    x_hat, spread, gamma, G = cache
    N, C, H, W = dout.shape
    dgamma = np.einsum("nchw,nchw->c", dout, x_hat).reshape(1, C, 1, 1)
    dbeta = np.einsum("nchw->c", dout).reshape(1, C, 1, 1)
    dx_hat = (dout * gamma).reshape(N * G, -1)
    rows = x_hat.reshape(N * G, -1)
    mean = dx_hat.mean(axis=1, keepdims=True)
    slope = np.mean(dx_hat * rows, axis=1, keepdims=True)
    dx = (dx_hat - mean - rows * slope) / spread
    return dx.reshape(N, C, H, W), dgamma, dbeta
