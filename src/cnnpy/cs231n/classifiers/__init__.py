"""The course's classifiers: nets of its layers, with a loss and its gradients.

fc_net
    FullyConnectedNet, with any number of hidden layers, normalisation and dropout;
    TwoLayerNet.
cnn
    ThreeLayerConvNet.

As in the course, ``from cnnpy.cs231n.classifiers.fc_net import *`` brings the layers
along: its notebooks rely on it.
"""

from __future__ import annotations
