"""The generator as an ONNX graph, one row of Table I after the other."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 17
# What opset 17 came with: later runtimes read it too.
IR_VERSION = 8
ACTIVATIONS = {
    "relu": lambda slope: ("Relu", {}),
    "leaky_relu": lambda slope: ("LeakyRelu", {"alpha": slope}),
    "elu": lambda slope: ("Elu", {"alpha": 1.0}),
    "sigmoid": lambda slope: ("Sigmoid", {}),
    "tanh": lambda slope: ("Tanh", {}),
}


def model_of(gen, config):
    """The generator as it samples: running statistics of batch normalisation, no dropout, pictures at the end.

    Args:
        gen (dcgan_mri.networks.Generator): The generator, on the CPU.
        config (dcgan_mri.config.Config): Its settings.

    Returns:
        onnx.ModelProto: From ``z``, float32 of shape (N, n_z), to ``pictures``, uint8 of shape (N, H, W, 3).
    """
    graph = _Graph()
    h = "z"
    for i, row in enumerate(gen.rows):
        h = _add_row(graph, gen, i, row, h)
    _add_pictures(graph, h, config.pixel_low)
    side = config.image_size
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "generator", [helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["N", config.n_z])],
            [helper.make_tensor_value_info("pictures", onnx.TensorProto.UINT8, ["N", side, side, 3])],
            graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="dcgan_mri")
    onnx.checker.check_model(model)
    return model


class _Graph:
    """Nodes and constants so far; every node has one output, of the same name."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def add(self, operator, *inputs, name=None, **attributes):
        name = name or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weights(self, link, name, *parts):
        return [self.constant(f"{name}/{part}", getattr(getattr(link, part), "array", getattr(link, part)))
                for part in parts]


def _add_row(graph, gen, i, row, h):
    """As `Network.apply_row`: layer, batch normalisation, activation, copies of the channels."""
    if row.kind == "upconv":
        scales = graph.constant(f"scales{i}", np.array([1, 1, 2, 2], dtype=np.float32))
        h = graph.add("Resize", h, "", scales, mode="nearest", nearest_mode="floor",
                      coordinate_transformation_mode="asymmetric")
    name = gen.names[i]
    weights = graph.weights(gen[name], name, "W", "b")
    if row.kind == "linear":
        h = graph.add("Gemm", h, *weights, transB=1)
    elif row.kind == "deconv":
        # Twice as wide also with a kernel of 3, as Chainer's `outsize` has it.
        missing = row.stride + 2 * row.pad - row.kernel
        h = graph.add("ConvTranspose", h, *weights, strides=[row.stride] * 2, pads=[row.pad] * 4,
                      output_padding=[missing] * 2)
    else:
        h = graph.add("Conv", h, *weights, strides=[row.stride] * 2, pads=[row.pad] * 4)
    if row.bn:
        link = gen[f"bn{i}"]
        h = graph.add("BatchNormalization", h, *graph.weights(link, f"bn{i}", "gamma", "beta", "avg_mean", "avg_var"),
                      epsilon=link.eps)
    if row.activation != "none":
        operator, attributes = ACTIVATIONS[row.activation](row.slope)
        h = graph.add(operator, h, **attributes)
    if row.copies > 1:
        h = graph.add("Tile", h, graph.constant(f"copies{i}", np.array([1, row.copies, 1, 1], dtype=np.int64)))
    if row.kind == "linear":
        h = graph.add("Reshape", h, graph.constant(f"shape{i}", np.array([-1, *row.out], dtype=np.int64)))
    return h


def _add_pictures(graph, x, pixel_low):
    """As `dcgan_mri.pixels.from_network`."""
    low, factor, black, white = (
        graph.constant(name, np.float32(value)) for name, value in
        [("pixel_low", pixel_low), ("factor", 255 / (1 - pixel_low)), ("black", 0), ("white", 255)])
    grey = graph.add("Round", graph.add("Clip", graph.add("Mul", graph.add("Sub", x, low), factor), black, white))
    graph.add("Transpose", graph.add("Cast", grey, to=onnx.TensorProto.UINT8), perm=[0, 2, 3, 1], name="pictures")
