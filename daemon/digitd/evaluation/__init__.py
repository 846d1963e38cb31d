"""How good the reading is, told in figures and pictures; and what one page went through. Needs no TensorFlow."""
