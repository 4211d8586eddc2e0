"""What makes and judges: evaluation now, training later."""
