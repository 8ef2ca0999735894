"""Other ways to compute the rows of the contract, and the choice between them."""
