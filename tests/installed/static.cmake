include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")
check_examples("${FOLDER}/static" -DBURIN_EXAMPLES_STATIC=ON)
