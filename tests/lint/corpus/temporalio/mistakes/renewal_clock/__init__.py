"""HF101: a helper two modules away, in a module that the sandbox lets through, asks what day it is."""
