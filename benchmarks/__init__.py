"""What this product is measured by. The modules are scripts; `checkpoints` is used by the tests too."""
