"""Images of classes, with guidance, for diffusers; written by ddpm_nb."""
import inspect
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.utils.torch_utils import randn_tensor

# the schedulers whose pictures were compared with those of ddpm_nb's samplers
SCHEDULERS = ('DDIMScheduler', 'DDPMScheduler', 'DPMSolverMultistepScheduler', 'UniPCMultistepScheduler',
              'EulerDiscreteScheduler', 'EulerAncestralDiscreteScheduler')

def label_rows(class_labels, classes):
    "Rows of the class table, (n,), of which number `classes` stands for no class in particular."
    try: y = torch.as_tensor([-1 if o is None else o for o in class_labels])
    except (TypeError, ValueError, RuntimeError): y = torch.zeros(())
    wrong = y.ndim != 1 or not len(y) or y.is_floating_point() or y.dtype == torch.bool
    if wrong or y.min() < -1 or y.max() >= classes:
        raise ValueError(f'class_labels must be a list of integers from 0 to {classes - 1}, '
                         f'with -1 or None for no class in particular, got {class_labels!r}')
    return torch.where(y < 0, classes, y).long()

class ClassPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler, timesteps=None, prediction=None, sum_of_betas=None):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
        self.register_to_config(timesteps=timesteps, prediction=prediction, sum_of_betas=sum_of_betas)

    def check_scheduler(self, steps, eta):
        "Raise a ValueError unless the scheduler gives the pictures of this model."
        name, config, mine = type(self.scheduler).__name__, self.scheduler.config, self.config
        if name not in SCHEDULERS:
            raise ValueError(f'{name} was not tested with this pipeline; these were: {", ".join(SCHEDULERS)}')
        if (config.num_train_timesteps, config.prediction_type, sum(config.trained_betas or [0])) != (
                mine.timesteps, mine.prediction, mine.sum_of_betas):
            raise ValueError('this scheduler does not have the noise schedule and prediction of this model: '
                             f'make it with {name}.from_config of the scheduler that came with the pipeline')
        if not 1 <= steps <= mine.timesteps:
            raise ValueError(f'num_inference_steps must be in [1, {mine.timesteps}], got {steps}')
        if eta and 'eta' not in inspect.signature(self.scheduler.step).parameters:
            raise ValueError(f'{name} has no eta, which is an option of DDIMScheduler: leave it out')

    @torch.no_grad()
    def __call__(self,
        class_labels,            # One integer for each image, -1 or None for no class in particular
        guidance_scale=2.,       # 0 unconditional, 1 conditional, above 1 guided
        num_inference_steps=50,
        eta=0.,
        generator=None,
        latents=None,            # Standard normal noise to start from, (n, c, h, w)
        output_type='pil',       # 'pil', 'np' or 'pt'
    ):
        device, config, scheduler = self._execution_device, self.unet.config, self.scheduler
        y = label_rows(class_labels, config.num_class_embeds - 1).to(device)
        none = torch.full_like(y, config.num_class_embeds - 1)            # the row of zeros
        self.check_scheduler(num_inference_steps, eta)
        shape = (len(y), config.in_channels, *config.sample_size)
        if latents is None: latents = randn_tensor(shape, generator=generator, device=device)
        if tuple(latents.shape) != shape:
            raise ValueError(f'latents must be of shape {shape}, got {tuple(latents.shape)}')
        scheduler.set_timesteps(num_inference_steps, device=device)
        options = dict(eta=eta, use_clipped_model_output=True, generator=generator)
        options = {k: v for k, v in options.items() if k in inspect.signature(scheduler.step).parameters}
        x = latents.to(device, torch.float32)*scheduler.init_noise_sigma
        for t in self.progress_bar(scheduler.timesteps):
            asked = scheduler.scale_model_input(x, t).to(self.unet.dtype)
            out = self.unet(asked, t, y if guidance_scale else none).sample.float()
            if guidance_scale not in (0, 1):
                unguided = self.unet(asked, t, none).sample.float()
                out = unguided + guidance_scale*(out - unguided)
            x = scheduler.step(out, t, x, **options).prev_sample
        if not x.isfinite().all():
            raise ValueError(f'{type(scheduler).__name__} fails with this model: its pictures are not finite')
        x = (x/2 + 0.5).clamp(0, 1)
        if output_type != 'pt':
            x = x.cpu().permute(0, 2, 3, 1).numpy()
            if output_type == 'pil': x = self.numpy_to_pil(x)
        return ImagePipelineOutput(images=x)
