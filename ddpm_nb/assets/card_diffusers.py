from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained('.', trust_remote_code=True)                               #: own code
pipe = DiffusionPipeline.from_pretrained('.')                                                       #: no code
images = pipe(class_labels=list(range(10)), guidance_scale=2., num_inference_steps=50).images       #: classes
images = pipe(batch_size=8, num_inference_steps=50, use_clipped_model_output=True).images           #: no classes
