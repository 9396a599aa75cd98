"""A vision-language model that looks at pictures and answers questions about them."""
