import json
import numpy as np
import onnxruntime                                                                                  #: onnx
import torch                                                                                        #: torch

session = onnxruntime.InferenceSession('network.onnx', providers=['CPUExecutionProvider'])          #: onnx
program = torch.export.load('network.pt2').module()  # runs what the file says: load it if you trust its author  #: torch
decoder = onnxruntime.InferenceSession('decoder.onnx', providers=['CPUExecutionProvider'])          #: onnx and codes
decoder = torch.export.load('decoder.pt2').module()                                                 #: torch and codes
def network(x, t, *y):
    inputs = x.astype('float32'), np.full(len(x), t), *y
    return session.run(None, dict(zip(('x_t', 't', 'y'), inputs)))[0]                               #: onnx
    with torch.no_grad(): return program(*map(torch.from_numpy, inputs)).numpy()                    #: torch

tables = json.load(open('schedule.json'))
a, b, p, q = (np.array(tables[k] + [end]) for k, end in (('signal', 1), ('noise', 0), ('p', 0), ('q', 1)))
T = len(a) - 1
steps = min(50, T)
y = np.arange(10)     # class labels; -1 is for no class in particular                              #: classes
n = len(y)                                                                                          #: classes
n = 8                                                                                               #: no classes
x = b[T - 1]*np.random.default_rng(0).standard_normal((n, 1, 28, 28))     # noise of the first timestep's rate
times = [*np.floor(T*np.arange(steps, 0, -1)/steps + 0.5).astype(int) - 1, -1]     # -1 is the clean image
for t, s in zip(times, times[1:]):
    out = network(x, t)                                                                             #: no classes
    out, none = network(x, t, y), network(x, t, np.full_like(y, -1))                                #: classes
    out = none + 2*(out - none)                        # guidance 2                                 #: classes
    x0 = ((q[t]*x - b[t]*out)/(a[t]*q[t] - b[t]*p[t])).clip(-1, 1)                                  #: pixels
    x0 = (q[t]*x - b[t]*out)/(a[t]*q[t] - b[t]*p[t])                                                #: codes
    x = a[s]*x0 + b[s]*(x - a[t]*x0)/b[t]
x = decoder.run(None, dict(z=x.astype('float32')))[0]                                               #: onnx and codes
with torch.no_grad(): x = decoder(torch.from_numpy(x.astype('float32'))).numpy()                    #: torch and codes
# x now holds images in [-1, 1], 1 × 28 × 28 each
