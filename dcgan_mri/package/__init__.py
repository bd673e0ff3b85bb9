"""`python -m dcgan_mri.package`: a trained generator for those who have no Chainer, as ONNX in a zip archive."""
