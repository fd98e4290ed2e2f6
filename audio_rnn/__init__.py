"""Recurrent networks over sound: train on two CPU cores or one GPU, stream for ever."""

__version__ = "0.1.0"
