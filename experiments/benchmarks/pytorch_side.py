"""PyTorch's side of the benchmark: the loop of its official DCGAN example, with the networks of Tables I and II.

Runs in an environment of its own, which has PyTorch and NumPy and nothing of this project: the tables' rows come from
the caller; with `--device cuda` on a GPU. The example's loop makes D's step on real and on generated images, and then
sends the generated images through the new D once more for G's step: the alternating update, which ours makes with D's
old activations. `shared` is the loop that an expert would write instead where both gradients may come from the same
weights: one pass of D(G(z)) serves both losses.
"""

import argparse
import math

import numpy as np
import torch
from sides import peak_memory, seconds, serve
from torch import nn
from torch.nn.functional import softplus

ACTIVATIONS = {
    "none": lambda slope: nn.Identity(),
    "relu": lambda slope: nn.ReLU(inplace=True),
    "leaky_relu": lambda slope: nn.LeakyReLU(slope, inplace=True),
    "sigmoid": lambda slope: nn.Sigmoid(),
    "tanh": lambda slope: nn.Tanh(),
}


class Noise(nn.Module):
    """Gaussian noise, in training."""

    def __init__(self, sigma):
        super().__init__()
        self.sigma = sigma

    def forward(self, h):
        return h + self.sigma * torch.randn_like(h) if self.training else h


class Flat(nn.Module):
    """(B, C, H, W) to (B, C·H·W), in the order of channels first."""

    def forward(self, h):
        return h.flatten(1)


def network(rows, in_shape, use_gamma, bn_eps, bn_decay):
    """The layers of a table as PyTorch's, in the order in which a row applies its parts."""
    layers = []
    shape = in_shape
    for row in rows:
        out, kernel, stride, pad = row["out"], row["kernel"], row["stride"], row["pad"]
        layers.append(Noise(row["noise_in"]))
        if row["kind"] == "linear":
            layers += [Flat(), nn.Linear(math.prod(shape), math.prod(out))]
            shape, features = out, math.prod(out)
            bn = nn.BatchNorm1d
        else:
            convolution = nn.Conv2d if row["kind"] == "conv" else nn.ConvTranspose2d
            layers.append(convolution(shape[0], out, kernel, stride, pad))
            size = shape[1] // stride if row["kind"] == "conv" else shape[1] * stride
            shape, features = [out, size, size], out
            bn = nn.BatchNorm2d
        if row["bn"]:
            layers.append(bn(features, eps=bn_eps, momentum=1 - bn_decay))
            if not use_gamma:
                layers[-1].weight.requires_grad_(False)
        layers.append(Noise(row["noise_out"]))
        layers.append(nn.Dropout(row["dropout"]))
        layers.append(ACTIVATIONS[row["activation"]](row["slope"]))
        if row["kind"] == "linear" and len(out) > 1:
            layers.append(nn.Unflatten(1, tuple(out)))
    # What a row does not have is no layer at all.
    return nn.Sequential(*[layer for layer in layers if not isinstance(layer, nn.Identity)
                           and getattr(layer, "sigma", 1) and getattr(layer, "p", 1)])


def trained(model):
    """The parameters that are trained, in the order of the layers."""
    return [param for param in model.parameters() if param.requires_grad]


class Training:
    """Both networks, their optimizers, and a batch."""

    def __init__(self, gen, dis, n_z, image_size, bn_eps, bn_decay, init_scale, alpha, beta1, weight_decay, batchsize,
                 channels_last, device="cpu"):
        torch.manual_seed(0)
        torch.backends.cudnn.benchmark = True  # as the official example does
        self.device = device
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.gen = network(gen, [n_z, 1, 1], True, bn_eps, bn_decay).to(memory_format=self.format)
        self.dis = network(dis, [3, image_size, image_size], False, bn_eps, bn_decay).to(memory_format=self.format)
        for module in [*self.gen.modules(), *self.dis.modules()]:
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                nn.init.normal_(module.weight, 0, init_scale)
                nn.init.zeros_(module.bias)
        self.gen.to(device)
        self.dis.to(device)
        self.optimizers = [torch.optim.Adam(trained(model), lr=alpha, betas=(beta1, 0.999), weight_decay=weight_decay)
                           for model in (self.gen, self.dis)]
        grey = np.random.default_rng(0).random((batchsize, 1, image_size, image_size), dtype=np.float32)
        self.real = torch.from_numpy(grey.repeat(3, axis=1)).to(device).to(memory_format=self.format)
        self.n_z = n_z

    def latent(self):
        """z from U(-1, 1)."""
        return torch.rand(len(self.real), self.n_z, 1, 1, device=self.device) * 2 - 1

    def example(self):
        """One round of the example's loop."""
        gen_optimizer, dis_optimizer = self.optimizers
        self.dis.zero_grad()
        loss_real = softplus(-self.dis(self.real)).mean()
        loss_real.backward()
        fake = self.gen(self.latent())
        loss_fake = softplus(self.dis(fake.detach())).mean()
        loss_fake.backward()
        dis_optimizer.step()
        self.gen.zero_grad()
        loss_gen = softplus(-self.dis(fake)).mean()
        loss_gen.backward()
        gen_optimizer.step()
        return loss_real.item(), loss_fake.item(), loss_gen.item()

    def shared(self):
        """One round in which a single pass of D(G(z)) serves both losses."""
        gen_optimizer, dis_optimizer = self.optimizers
        self.dis.zero_grad()
        loss_real = softplus(-self.dis(self.real)).mean()
        loss_real.backward()
        fake = self.gen(self.latent())
        seen = fake.detach().requires_grad_()
        y_fake = self.dis(seen)
        loss_fake = softplus(y_fake).mean()
        gradient, = torch.autograd.grad(softplus(-y_fake).mean(), seen, retain_graph=True)
        loss_fake.backward()
        self.gen.zero_grad()
        fake.backward(gradient)
        dis_optimizer.step()
        gen_optimizer.step()
        return loss_real.item(), loss_fake.item()

    def outputs(self, file, out):
        """What both networks compute in training mode, without noise and dropout, from the weights in a file."""
        arrays = np.load(file)
        results = {}
        for name, model in (("gen", self.gen), ("dis", self.dis)):
            with torch.no_grad():
                for i, param in enumerate(trained(model)):
                    given = arrays[f"{name}/{i}"]
                    assert given.shape == tuple(param.shape), (name, i, given.shape, tuple(param.shape))
                    param.copy_(torch.from_numpy(given))
            model.train()
            for module in model.modules():
                if isinstance(module, (Noise, nn.Dropout)):
                    module.eval()
            with torch.no_grad():
                results[name] = model(torch.from_numpy(arrays[f"{name}/input"]).to(self.device)).cpu().numpy()
            model.train()
        np.savez(out, **results)


def ceilings():
    """What a GPU reaches at best: bytes a second of a large copy, and operations a second of large matrix products."""
    source = torch.empty(2**29, device="cuda").uniform_()
    target = torch.empty_like(source)
    rates = {"bytes": 2 * source.nbytes / _quickest(lambda: target.copy_(source))}
    n = 8192
    for name, dtype, tf32 in (("float32", torch.float32, False), ("tf32", torch.float32, True),
                              ("bf16", torch.bfloat16, False), ("fp16", torch.float16, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(n, n, device="cuda").to(dtype) for _ in range(2))
        rates[name] = 2 * n**3 / _quickest(lambda a=a, b=b: a @ b)
    torch.backends.cuda.matmul.allow_tf32 = False
    return rates


def _quickest(function):
    """Seconds of the quickest of five calls on the GPU, after one that does not count."""
    times = []
    for _ in range(6):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        function()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return min(times[1:])


def main():
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    state = {}

    def build(**settings):
        state["training"] = Training(**settings, device=args.device)
        return {name: sum(param.numel() for param in trained(getattr(state["training"], name)))
                for name in ("gen", "dis")}

    serve({
        "build": build,
        "outputs": lambda file, out: state["training"].outputs(file, out),
        "step": lambda algorithm: seconds(getattr(state["training"], algorithm)),
        "steps": lambda algorithm, n: seconds(lambda: [getattr(state["training"], algorithm)() for _ in range(n)]),
        "ceilings": ceilings,
        "gpu_memory": torch.cuda.max_memory_allocated,
        "memory": peak_memory,
        "version": lambda: f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}",
    })


if __name__ == "__main__":
    main()
