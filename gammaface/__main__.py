from gammaface.cli import main

main()
